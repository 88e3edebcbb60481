/* hal_priv.h - how the parts of the inventory see each other. */
#ifndef HAL_HAL_PRIV_H
#define HAL_HAL_PRIV_H

#include "hal/inventory.h"
#include "hal/sysfs.h"

/* processors.c */
void processors_scan(const char *root, struct hal_inventory *i, struct cdm_diag *diag);
/* devices.c: graphics, accelerators, cameras, IIO, audio, CAN */
void devices_scan(const char *root, struct hal_inventory *i);
/* meters.c: energy meters and temperatures */
void meters_scan(const char *root, struct hal_inventory *i);

/* The next place in the list, zeroed but for kind and numa; NULL, and counted, when there is none left. */
struct hal_device *inventory_add(struct hal_inventory *i, enum hal_kind kind);
/* Take the last one added back. */
void inventory_drop(struct hal_inventory *i);

#endif
