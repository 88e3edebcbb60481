/* columns.h - names for the elements of fields whose meaning is fixed: what an actuator reports. */
#ifndef CADMUS_COLUMNS_H
#define CADMUS_COLUMNS_H

#include <jansson.h>
#include "schema/plan.h"

/* The sample as an object of named values, in the order of its elements; the caller's.  NULL: this field's elements
   have no names. */
json_t *columns_of(const struct plan *p, const struct plan_field *f, const void *data, size_t bytes);

#endif
