/* fly_priv.h - the actions, as fly.def names them: 0 passed, 1 after fly_fail(). */
#ifndef CADMUS_FLY_PRIV_H
#define CADMUS_FLY_PRIV_H

#include "bin/cadmus/fly.h"

#define FLY(name, arguments, doc) int fly_do_##name(struct flight *f, const struct fly_action *a);
#include "bin/cadmus/fly.def"
#undef FLY

#endif
