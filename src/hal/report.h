/* report.h - the inventory for people and for programs. */
#ifndef HAL_REPORT_H
#define HAL_REPORT_H

#include <jansson.h>
#include <stdio.h>
#include "hal/inventory.h"

/* Some lines per part, at most 100 characters each. */
void hal_print(const struct hal_inventory *i, FILE *out);
/* The same as one object, the caller's now. */
json_t *hal_json(const struct hal_inventory *i);

#endif
