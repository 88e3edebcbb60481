/* briefing_priv.h - between choosing items (briefing.c) and writing one (briefing_line.c). */
#ifndef SEM_BRIEFING_PRIV_H
#define SEM_BRIEFING_PRIV_H

#include "sem/briefing.h"

#define BRIEFING_LINE_MAX 1024 /* no line is as long: all that is foreign in it is cut before */

/* A line in the making, without a zero. */
struct briefing_line {
	size_t bytes;
	char text[BRIEFING_LINE_MAX];
};

/* The item, from "- " to its line feed.  `mark` is the first member of what the section has. */
void briefing_line_item(struct briefing_line *l, enum briefing_section section, const struct briefing_mark *mark);

/* The first line of a delta: when it was that the model last looked, and what there is to say of it. */
void briefing_line_since(struct briefing_line *l, const struct briefing *b, size_t shown, size_t left_out);
/* "It is 2026-11-23T08:00Z." */
void briefing_line_now(struct briefing_line *l, struct cdm_wall now);

/* Text of our own. */
void briefing_line_put(struct briefing_line *l, const char *text);

#endif
