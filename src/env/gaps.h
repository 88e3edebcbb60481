/*
 * gaps.h - what a SQLite file holds between its cells.
 *
 * With secure_delete SQLite overwrites what it deletes.  But when it distributes the cells of a b-tree anew, copies of
 * those that go to another page stay behind in the space that is not allocated: deleting them later does not reach
 * these.  Who promises that something is gone must look there as well.
 *
 * One thread, that of the connection.
 */
#ifndef ENV_GAPS_H
#define ENV_GAPS_H

#include <sqlite3.h>
#include "base/check.h"

/*
 * Overwrite with zeros what stands in the space of the main file's b-tree pages that is not allocated, and let go the
 * pages that the connection remembers, which hold it as well.  Nobody else may write to the file, and the WAL must have
 * been copied into it as a whole; no statement is under way.  It is no part of a transaction: those who read see
 * nothing of it, and what is half done can be done again.  Reads the whole file.  0; -ENOMEM; -EIO: it can be tried
 * again; -EBADMSG: that is no page of SQLite.
 */
MUST_CHECK int gaps_clear(sqlite3 *sql);

#endif
