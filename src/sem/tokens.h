/*
 * tokens.h - how many tokens may a text be for a model whose tokenizer is not at hand?
 *
 * An estimate that leans upwards: sentences and views take fewer; words that are none (keys, hashes, "zxcvbn") may
 * take up to twice as many.  It counts, of
 *
 *      a word of ASCII letters         one for each 3 small or 2 capital letters begun
 *      a digit, a sign, a line feed    1
 *      a space                         0 before a letter or a sign, which has it in its token; 1 otherwise
 *      Latin-1 (é, ß), Cyrillic        1 a letter
 *      other letters of 2 bytes        2
 *      Chinese, Japanese               2 a character
 *      other characters of 3 bytes     3
 *      characters of 4 bytes           4
 *      a byte that is no UTF-8         1
 *
 * Never more than there are bytes, and never more for a text than for its two parts together, so that a sum over
 * lines is a bound for the whole.  Integers alone: the same on every machine.  Pure; any thread.
 */
#ifndef SEM_TOKENS_H
#define SEM_TOKENS_H

#include <stddef.h>
#include <stdint.h>

uint32_t tokens_most(const char *text, size_t bytes);

#endif
