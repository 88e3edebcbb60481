/*
 * words.h - the words of a text, as the full text index knows them.
 *
 * SQLite's unicode61 folds case and takes diacritics off; what it calls one word in a script that is written without
 * blanks (Han, kana, Hangul, Thai, Lao, Khmer, Burmese) is cut here into overlapping pairs of characters.  Longer
 * words than WORDS_BYTES_MAX are cut.  So a text and a question are cut alike, by the same function, in the index and
 * outside.
 *
 * One thread: that of the connection.
 */
#ifndef MEMORY_WORDS_H
#define MEMORY_WORDS_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"

#define WORDS_BYTES_MAX 64

struct words;

/* Make the tokenizer `cadmus` known to a connection, which owns it.  -ENOMEM; -ENOTSUP: SQLite without FTS5. */
MUST_CHECK int words_register(sqlite3 *sql, struct words **out);

/* Anything but 0 ends the walk and is returned. */
typedef int words_visit(void *user, const char *word, size_t bytes);
MUST_CHECK int words_each(struct words *w, const char *text, size_t bytes, words_visit *visit, void *user);

/* Of the bytes of a word; never changes. */
uint64_t words_hash(const char *word, size_t bytes);

/* Is the character one of a script without blanks? */
int words_is_dense(uint32_t code);

#endif
