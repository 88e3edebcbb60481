/* err.c - the list of err.def, by number. */
#include "base/err.h"

#include <stddef.h>
#include "base/check.h"

static const struct {
	int number;
	const char *name, *text;
} errors[] = {
#define ERR(e, text) { e, #e, text },
#include "base/err.def"
#undef ERR
};

const char *err_name(int rc) {
	if (rc >= 0)
		return "OK";
	for (size_t i = 0; i < COUNT_OF(errors); i++)
		if (errors[i].number == -rc)
			return errors[i].name;
	return "EUNKNOWN";
}

const char *err_text(int rc) {
	if (rc >= 0)
		return "all is well";
	for (size_t i = 0; i < COUNT_OF(errors); i++)
		if (errors[i].number == -rc)
			return errors[i].text;
	return "an error outside our list";
}
