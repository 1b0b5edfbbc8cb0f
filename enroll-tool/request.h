/* What the command line of totp-enroll asks for. */
#ifndef REQUEST_H
#define REQUEST_H

#include "screen.h"
#include "tool.h"

struct request {
	const char *user;        /* --user, or NULL */
	const char *issuer;      /* --issuer, or NULL for the policy's */
	const char *account;     /* --account, or NULL for the policy's */
	const char *label;       /* --label or --add */
	const char *remove;      /* --remove, or NULL */
	const char *save;        /* --save FILE for the recovery codes, or NULL */
	const char *svg;         /* --svg FILE, or NULL */
	const char *png;         /* --png FILE, or NULL */
	enum hmac_alg algorithm; /* 0 for the policy's */
	uint32_t digits;         /* 0 for the policy's */
	uint32_t period;         /* seconds; 0 for the policy's */
	uint64_t counter;        /* with --hotp: the next one */
	struct screen_wish screen;
	bool confirm; /* ask for a code before anything is stored */
	bool json;
	bool force; /* replace what the user has */
	bool add;   /* a token beside those that the user has */
	bool hotp;
	bool secret; /* it comes on standard input */
	bool help;
	bool version;
};

/*
 * Read the command line. Returns TOOL_DONE, or TOOL_USAGE after one sentence about what is
 * wrong. With help or version set, the rest may be incomplete.
 */
MUST_CHECK int request_parse(struct tool *tool, int argc, char **argv, struct request *ret_request);

/* What --help prints; it fits a screen of 40 rows. */
extern const char request_help[];

#endif
