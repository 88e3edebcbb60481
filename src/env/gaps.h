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
#include <stdbool.h>
#include "base/check.h"

/*
 * Copy the WAL into the main file, overwrite with zeros what stands in the space of its b-tree pages that is not
 * allocated, and let go the pages that the connection remembers, which hold it as well.  It is durable then; the WAL
 * is still there, to be emptied.  Nobody else writes meanwhile; those who read see nothing of it, and what is half done
 * can be done again: `again` where it may have been, so that what reads zero is written all the same, and gets to the
 * disk.  Reads the whole file; no statement may be under way.  0; -EBUSY: a reader is in the way, or somebody else
 * writes; -ENOMEM; -EIO: `again`; -EBADMSG: that is no file of SQLite.
 */
MUST_CHECK int gaps_clear(sqlite3 *sql, bool again);

#endif
