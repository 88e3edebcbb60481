/*
 * backend.h - a way to run models: what a shared module cadmus-backend-NAME.so exports.
 *
 * A worker process loads one backend and, with it, one model.  The module exports one object,
 *
 *     CDM_BACKEND_EXPORT const struct cdm_backend cdm_backend = { CDM_BACKEND_ABI, "name", ... };
 *
 * and includes nothing of Cadmus but cadmus/ headers.  What it needs of the process (time, log)
 * comes in struct cdm_backend_host.  A backend offers one or both of two facets:
 *
 *     text    generate()   bytes of a prompt -> bytes of an answer, streamed
 *             embed()      a text -> a vector, near to those of texts that mean alike; optional
 *     tensor  transform()  one sample -> one sample
 *
 * Threads: every call comes from one thread, the worker's only one.  A backend may compute on
 * `threads` threads, the caller's included, and never on more: the machine's cores are dealt out
 * by the plan, and two engines that both take them all are tens of times slower than two that
 * share.  Threads that wait sleep; they do not spin.
 *
 * Errors are negative errno values of Cadmus; what a person must understand goes to the diag.
 */
#ifndef CADMUS_BACKEND_H
#define CADMUS_BACKEND_H

#include <stddef.h>
#include <stdint.h>
#include "cadmus/diag.h"
#include "cadmus/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CDM_BACKEND_ABI 2u               /**< version of this interface */
#define CDM_BACKEND_SYMBOL "cdm_backend" /**< name of the object that a module exports */
/** Marks that object. */
#define CDM_BACKEND_EXPORT __attribute__((visibility("default")))
#define CDM_STOPS_MAX 8 /**< stop strings of a request */
#define CDM_EMBED_DIMS_MAX 4096u /**< numbers of a vector that embed() makes */

/** How much a line of the engine matters. */
enum cdm_backend_log {
	CDM_LOG_ERROR,   /**< something does not work */
	CDM_LOG_WARNING, /**< something is not as it should be */
	CDM_LOG_INFO,    /**< what it does */
	CDM_LOG_DEBUG,   /**< for those who write engines */
};

/** What the process offers to the module.  Valid as long as the model is loaded. */
struct cdm_backend_host {
	struct cdm_mono (*now)(void); /**< the clock of the machine */
	/** One line for people, without a newline; may come from a thread of the engine. */
	void (*log)(enum cdm_backend_log level, const char *text);
	/** The value of an option of the model in the machine's description, or NULL.  Only inside load(). */
	const char *(*option)(void *of, const char *key);
	void *option_of; /**< first argument of option() */
};

/** What a model is to be loaded as. */
struct cdm_backend_config {
	const char *path;        /**< the model's file */
	const char *library_dir; /**< folder of the engine's libraries; NULL: the backend's own way to find them */
	uint32_t threads;        /**< at least 1 */
	uint32_t context;        /**< tokens a text model keeps at most; 0: what it was trained for, within reason */
	const struct cdm_backend_host *host; /**< what the process offers */
};

/** What is known of a loaded model.  Zero and "" mean: does not apply. */
struct cdm_model_facts {
	char architecture[CDM_NAME_MAX]; /**< "llama" */
	char description[128];           /**< in the engine's words */
	char quantization[24];           /**< "Q8_0" */
	char engine[64];                 /**< library and version that really runs it */
	uint64_t parameters;             /**< how many weights */
	uint64_t bytes;                  /**< of weights */
	uint32_t context;                /**< tokens it keeps */
	uint32_t context_trained;        /**< tokens it was trained to keep */
	uint32_t vocabulary;             /**< different tokens */
	uint32_t threads;                /**< that the engine computes with */
	uint32_t dims;                   /**< numbers of a vector that embed() makes; 0: it makes none */
};

/** Why an answer ended. */
enum cdm_finish {
	CDM_FINISH_END,       /**< the model said that it is done */
	CDM_FINISH_STOP,      /**< one of the stop strings came; it is not part of the answer */
	CDM_FINISH_LENGTH,    /**< max_tokens */
	CDM_FINISH_CONTEXT,   /**< the context is full */
	CDM_FINISH_CANCELLED, /**< a callback said so */
};

/** What a text model is asked.  Everything in it is the caller's, and valid until generate() returns. */
struct cdm_request {
	const char *prompt; /**< UTF-8, not zero terminated */
	size_t prompt_bytes; /**< of the prompt */
	uint32_t max_tokens; /**< of the answer, at most */
	float temperature;  /**< 0: always the likeliest token; `seed` has no say then */
	uint32_t seed;      /**< equal seeds give equal answers on one machine and engine */
	uint32_t stop_count; /**< of `stop` */
	const char *stop[CDM_STOPS_MAX]; /**< zero terminated, 1 to 512 bytes; a backend may refuse long ones */
	/** A piece of the answer: whole code points of valid UTF-8, never empty.  Nonzero: cancel. */
	int (*on_text)(void *self, const char *text, size_t bytes);
	/** Called often, also while the prompt is read.  Nonzero: cancel.  May be NULL. */
	int (*poll)(void *self);
	void *self; /**< first argument of on_text() and poll() */
};

/** How an answer came about. */
struct cdm_result {
	enum cdm_finish finish; /**< why it ended */
	uint32_t tokens_in;     /**< of the prompt */
	uint32_t tokens_cached; /**< of these, how many the engine still knew from the request before */
	uint32_t tokens_out;    /**< of the answer */
	int64_t prompt_ns;      /**< until the first token of the answer could be chosen */
	int64_t eval_ns;        /**< from there to the end */
};

/** One sample, as input (const in spirit) or as room for output. */
struct cdm_tensor {
	void *data;           /**< elements in C order, little-endian */
	size_t bytes;         /**< of data */
	enum cdm_dtype dtype; /**< of an element */
	uint32_t dims;        /**< 0: a scalar */
	uint32_t shape[CDM_DIMS_MAX]; /**< outermost first */
	/** Input: of the sample.  Output: the worker fills it; a backend may set status and lower trust. */
	struct cdm_info info;
};

/** What a module exports under the name CDM_BACKEND_SYMBOL.  Its functions are called by one thread. */
struct cdm_backend {
	uint32_t abi;        /**< CDM_BACKEND_ABI */
	const char *name;    /**< as in cadmus-backend-NAME.so */
	const char *summary; /**< one line */
	const char *version; /**< of the module */

	/**
	 * Make *model of cfg.  -ENOENT no such file, -ENOTSUP no engine or one of another version,
	 * -EPROTO the file is not what it should be, -ENOMEM; with the reason in diag.
	 */
	int (*load)(void **model, const struct cdm_backend_config *cfg, struct cdm_diag *diag);
	/** Fill *facts with what is known of the model. */
	void (*describe)(void *model, struct cdm_model_facts *facts);

	/**
	 * Text facet, or NULL.  0 with *result filled (also when cancelled); -E2BIG the prompt does not
	 * fit the context; -EILSEQ it is not UTF-8; -EIO the engine failed.
	 */
	int (*generate)(void *model, const struct cdm_request *rq, struct cdm_result *result,
			struct cdm_diag *diag);

	/**
	 * The vector of a text, or NULL: of `rq` prompt, poll and self are meant, of a long text its beginning, and
	 * `out` has room for the facts' dims.  It has length 1, or is 0 where the text says nothing; what texts that
	 * have nothing to do with each other have in common is taken out, as far as that can be had.  The same text
	 * gives the same vector.  0; -ECANCELED poll() said so; -EILSEQ not UTF-8; -EIO the engine failed; -ENOMEM.
	 */
	int (*embed)(void *model, const struct cdm_request *rq, float *out, struct cdm_diag *diag);

	/**
	 * Tensor facet, or NULL.  `prepare` is asked once, with the types and shapes that all later
	 * samples have (data NULL): -EINVAL with the reason when the model cannot do this.
	 * `transform` neither allocates nor logs in the backend itself.
	 */
	int (*prepare)(void *model, const struct cdm_tensor *in, const struct cdm_tensor *out,
			struct cdm_diag *diag);
	/** 0 with *out filled; an error: nothing comes of this sample. */
	int (*transform)(void *model, const struct cdm_tensor *in, struct cdm_tensor *out);

	/** Accepts NULL. */
	void (*unload)(void *model);
};

#ifdef __cplusplus
}
#endif

#endif
