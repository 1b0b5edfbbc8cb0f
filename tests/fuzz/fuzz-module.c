/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole module under libpam: policy, PAM line, user, host, answer, record and state come from
 * the input, while calls of libc and libcrypto fail at random, with the input as the seed. Whatever
 * they are, a login is allowed only with a genuine record and state and a correct code, and then
 * once; an enrolled user skips the question only where the policy says exempt or trusted; and the
 * account stage allows nobody whom it did not enroll, and changes no record that is there.
 *
 * Input: one byte of SWITCHES; with MORE eight bytes, the clock, and one of the CONVERSATION;
 * policy lines, PAM arguments, user, remote host and answer, each up to a NUL; two bytes, the
 * length of the record; the record; the rest is the state.
 */
#include "fuzz.h"

#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "../module/scene.h"
#include "base/address.h"
#include "base/io.h"
#include "login/policy.h"
#include "otp/base32.h"
#include "record/state.h"

enum {
	GENUINE_RECORD = 1, /* instead of the input's */
	GENUINE_STATE = 2,
	RIGHT_CODE = 4,
	GENUINE_USER = 8,
	FAULTS = 16,      /* 1 call in 400 fails */
	MANY_FAULTS = 32, /* 1 in 10 */
	MISSING_STATE = 64,
	MORE = 128,
};

/* CONVERSATION: what the program does, which may be hostile. */
enum {
	TALK_FAULT = 7,     /* an enum talk_fault */
	ACCOUNT = 8,        /* it goes on to the account stage, whatever auth returned */
	TYPE_NEW_CODE = 16, /* there the user types the code of the secret that is shown */
	SILENT = 32,        /* it shows nothing */
};

#define FAULT_ODDS 400
#define MANY_ODDS  10

/* --- calls that fail --- */

static uint32_t chance;
static unsigned odds; /* 0: nothing fails */

static bool fails(int error)
{
	if (!odds)
		return false;
	chance = chance * 1664525u + 1013904223u;
	if ((chance >> 8) % odds)
		return false;
	errno = error;
	return true;
}

/* No sync waits for a disk: this does not test the disk. */
int fdatasync(int fd)
{
	(void)fd;
	return fails(EIO) ? -1 : 0;
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	if (fails(ENOSPC))
		return -1;
	return pwritev64(fd, &(struct iovec){(void *)(uintptr_t)data, fails(0) ? len / 2 : len}, 1,
			 at);
}

ssize_t pread64(int fd, void *data, size_t len, off64_t at)
{
	return fails(EIO) ? -1 : preadv64(fd, &(struct iovec){data, len}, 1, at);
}

int openat64(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	return fails(EMFILE) ? -1 : (int)syscall(SYS_openat, dir, path, flags, mode);
}

/* With -D_FORTIFY_SOURCE this is called for openat without a mode. */
int __openat64_2(int dir, const char *path, int flags);

int __openat64_2(int dir, const char *path, int flags)
{
	return openat64(dir, path, flags);
}

/* libcrypto's own function; one call in so many fails, and it notes that a login has called it. */
#define FAILING(result, name, parameters, ...) \
	static bool name##_called; \
\
	result name parameters \
	{ \
		static result(*real) parameters; \
		void *found; \
\
		if (!real) { \
			found = dlsym(RTLD_NEXT, #name); \
			memcpy(&real, &found, sizeof(real)); \
		} \
		name##_called = true; \
		return fails(0) ? 0 : real(__VA_ARGS__); \
	}

FAILING(EVP_MD *, EVP_MD_fetch, (OSSL_LIB_CTX * library, const char *name, const char *properties),
	library, name, properties)
FAILING(int, EVP_Digest,
	(const void *data, size_t len, unsigned char *hash, unsigned *hash_len, const EVP_MD *type,
	 ENGINE *engine),
	data, len, hash, hash_len, type, engine)
FAILING(EVP_CIPHER *, EVP_CIPHER_fetch,
	(OSSL_LIB_CTX * library, const char *name, const char *properties), library, name,
	properties)
FAILING(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, (void), )
FAILING(int, EVP_DecryptInit_ex2,
	(EVP_CIPHER_CTX * context, const EVP_CIPHER *cipher, const unsigned char *key,
	 const unsigned char *nonce, const OSSL_PARAM parameters[]),
	context, cipher, key, nonce, parameters)
FAILING(int, EVP_DecryptUpdate,
	(EVP_CIPHER_CTX * context, unsigned char *out, int *out_len, const unsigned char *in,
	 int len),
	context, out, out_len, in, len)
FAILING(int, EVP_DecryptFinal_ex, (EVP_CIPHER_CTX * context, unsigned char *out, int *len), context,
	out, len)

static void forget_calls(void)
{
	EVP_MD_fetch_called = EVP_Digest_called = EVP_CIPHER_fetch_called =
		EVP_CIPHER_CTX_new_called = false;
	EVP_DecryptInit_ex2_called = EVP_DecryptUpdate_called = EVP_DecryptFinal_ex_called = false;
}

static bool all_were_called(void)
{
	return EVP_MD_fetch_called && EVP_Digest_called && EVP_CIPHER_fetch_called &&
	       EVP_CIPHER_CTX_new_called && EVP_DecryptInit_ex2_called &&
	       EVP_DecryptUpdate_called && EVP_DecryptFinal_ex_called;
}

/* --- the scene --- */

static struct scene scene;
static uint8_t record[CRED_BYTES_MAX], state[STATE_FILE_LEN];
static size_t record_len, state_len;
static char record_path[512], state_path[512];

static size_t load(const char *path, void *data, size_t cap)
{
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	REQUIRE(fd >= 0 && io_read_all(fd, data, cap, &len) == TOTP_OK);
	return len;
}

static void save(const char *path, const void *data, size_t len)
{
	OWN_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	REQUIRE(fd >= 0 && io_write(fd, data, len) == TOTP_OK);
}

static void remove_scene(void)
{
	scene_remove(&scene);
}

static void make_scene(void)
{
	const char *code;

	/* pam_end must not unmap the module, whose counters libFuzzer reads */
	if (!dlopen(MODULE_PATH, RTLD_NOW | RTLD_NODELETE))
		errx(99, "%s", dlerror());
	scene_make(&scene, MODULE_PATH);
	atexit(remove_scene);
	scene_enroll(&scene, "daemon");
	strcpy(record_path, scene_record(&scene, "daemon"));
	strcpy(state_path, scene_state(&scene, "daemon"));
	record_len = load(record_path, record, sizeof(record));
	state_len = load(state_path, state, sizeof(state));
	/*
	 * the code that the inputs should be denied is possible, and the calls that should fail are
	 * used
	 */
	code = scene_code("daemon", scene_now);
	forget_calls();
	REQUIRE(scene_login(&scene, "daemon", NULL, code) == PAM_SUCCESS);
	REQUIRE(all_were_called());
}

/* --- one input --- */

/* The part that fits on one line of a service file. */
static void make_one_line(char *text)
{
	for (; *text; text++)
		if (*text == '\n' || *text == '\r' || *text == '\\' || *text == '#')
			*text = ' ';
}

/* Is the answer, without blanks and dashes, a code within the widest possible window? */
static bool is_right(const char *answer)
{
	char digits[16] = "";
	size_t len = 0;

	for (; *answer && len < sizeof(digits) - 1; answer++)
		if (*answer != ' ' && *answer != '-')
			digits[len++] = *answer;
	for (int64_t step = -10; step <= 10; step++) {
		int64_t when;

		if (__builtin_add_overflow(scene_now, step * SCENE_STEP, &when) || when < 0)
			continue;
		if (strcmp(digits, scene_code("daemon", when)) == 0)
			return scene_now >= 0;
	}
	return false;
}

struct input {
	unsigned switches, conversation;
	char policy[2048], arguments[1024], user[512], rhost[256], answer[1024];
	const uint8_t *record, *state;
	size_t record_len, state_len;
};

static void cut(struct input *input, const uint8_t *data, size_t size)
{
	struct text rest = fuzz_text(data + 1, size - 1);

	input->switches = data[0];
	scene_now = SCENE_START;
	if ((input->switches & MORE) && rest.len > 9) {
		uint64_t clock = 0;

		for (size_t i = 1; i <= 8; i++)
			clock = clock << 8 | data[i];
		scene_now = (int64_t)clock;
		input->conversation = data[9];
		rest = fuzz_text(data + 10, size - 10);
	}
	fuzz_string(&rest, input->policy, sizeof(input->policy));
	fuzz_string(&rest, input->arguments, sizeof(input->arguments));
	fuzz_string(&rest, input->user, sizeof(input->user));
	fuzz_string(&rest, input->rhost, sizeof(input->rhost));
	fuzz_string(&rest, input->answer, sizeof(input->answer));
	make_one_line(input->arguments);
	data = (const uint8_t *)rest.at;
	if (rest.len >= 2) {
		input->record_len = (size_t)data[0] << 8 | data[1];
		data += 2;
		rest.len -= 2;
	}
	if (input->record_len > rest.len)
		input->record_len = rest.len;
	input->record = data;
	input->state = data + input->record_len;
	input->state_len = rest.len - input->record_len;
	if (input->switches & RIGHT_CODE)
		strcpy(input->answer, scene_code("daemon", scene_now));
	if (input->switches & GENUINE_USER)
		strcpy(input->user, "daemon");
}

static void lay_out(const struct input *input)
{
	char line[4096];

	scene_policy(&scene, input->policy);
	snprintf(line, sizeof(line),
		 "auth [success=done ignore=ignore default=die] %s conf=%s/conf %s\n"
		 "account [success=done ignore=ignore default=die] %s conf=%s/conf %s\n",
		 MODULE_PATH, scene.dir, input->arguments, MODULE_PATH, scene.dir,
		 input->arguments);
	scene_write(&scene, "service/" SCENE_SERVICE, line, 0644);
	if (input->switches & GENUINE_RECORD)
		save(record_path, record, record_len);
	else
		save(record_path, input->record, input->record_len);
	if (input->switches & GENUINE_STATE)
		save(state_path, state, state_len);
	else if (input->switches & MISSING_STATE)
		unlink(state_path);
	else
		save(state_path, input->state, input->state_len);
}

static bool may_be_let_in(const struct input *input)
{
	bool same_record = input->record_len == record_len &&
			   memcmp(input->record, record, record_len) == 0;

	return ((input->switches & GENUINE_RECORD) || same_record) && is_right(input->answer);
}

/* Does the policy, or the PAM line, say that daemon is not asked? */
static bool may_be_skipped(const struct input *input)
{
	static struct policy policy;
	struct address address;

	if (strstr(input->arguments, "exempt") || strstr(input->arguments, "trusted_networks"))
		return true;
	policy_default(&policy);
	/* of a policy with a mistake nothing may be followed */
	if (policy_parse(&policy, text_of(input->policy), "policy", NULL, NULL) != TOTP_OK)
		return false;
	return policy_list_has(policy.exempt, text_of("daemon")) ||
	       policy_list_has_groups(policy.exempt) ||
	       (address_read(text_of(input->rhost), &address) &&
		policy_networks_have(policy.trusted_networks, &address));
}

/* Answers with the code of the secret that is shown. */
static int type_new_code(int count, const struct pam_message **messages, struct pam_response **ret,
			 void *context)
{
	static const char before[] = "Secret   ";
	const char *shown = strstr(messages[0]->msg, before);
	struct secret *secret = context;
	struct code code = {""};
	unsigned odds_before = odds;

	odds = 0; /* the user's app does not fail */
	if (shown) {
		shown += sizeof(before) - 1;
		REQUIRE(base32_decode(shown, strcspn(shown, "\n"), secret) == TOTP_OK);
	}
	*ret = calloc((size_t)count, sizeof(**ret));
	if (*ret && secret->len && messages[0]->msg_style == PAM_PROMPT_ECHO_ON) {
		REQUIRE(hotp_code(&(struct hotp){HMAC_SHA1, 6, secret},
				  (uint64_t)scene_now / SCENE_STEP, &code) == TOTP_OK);
		(*ret)->resp = strdup(code.text);
	}
	odds = odds_before;
	return *ret ? PAM_SUCCESS : PAM_BUF_ERR;
}

static bool is_there(const char *user)
{
	return access(scene_record(&scene, user), F_OK) == 0;
}

/* Whatever it was before, the user has a record afterwards if the stage allows. */
static void go_on_to_account(pam_handle_t *handle, const struct input *input)
{
	static const char *const others[] = {"root", "bin", "nobody"};
	struct secret secret = {0};
	const struct pam_conv conv = {type_new_code, &secret};
	NOT_ZEROED uint8_t before[CRED_BYTES_MAX], after[CRED_BYTES_MAX];
	size_t len = load(record_path, before, sizeof(before));
	int code;

	if (input->conversation & TYPE_NEW_CODE)
		REQUIRE(pam_set_item(handle, PAM_CONV, &conv) == PAM_SUCCESS);
	code = pam_acct_mgmt(handle, input->conversation & SILENT ? PAM_SILENT : 0);
	odds = 0;
	REQUIRE(load(record_path, after, sizeof(after)) == len && memcmp(before, after, len) == 0);
	if (code == PAM_SUCCESS)
		REQUIRE(secret.len && strcmp(input->user, "daemon") != 0 && is_there(input->user));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (is_there(others[i])) {
			REQUIRE(strcmp(input->user, others[i]) == 0 && secret.len);
			scene_revoke(&scene, others[i]);
		}
}

static int log_in_once(const struct input *input)
{
	struct talk talk = {.answer = input->answer,
			    .rhost = input->rhost,
			    .fault = (input->conversation & TALK_FAULT) % (TALK_ANSWERS_TEXTS + 1)};
	struct pam_conv conv;
	pam_handle_t *handle = scene_begin(&scene, input->user, &talk, &conv);
	int code = pam_authenticate(handle, input->conversation & SILENT ? PAM_SILENT : 0);

	if (input->conversation & ACCOUNT)
		go_on_to_account(handle, input);
	odds = 0;
	pam_end(handle, code);
	return code;
}

static void log_in(const struct input *input)
{
	int code = log_in_once(input);

	if (code == PAM_SUCCESS) {
		REQUIRE(may_be_let_in(input));
		REQUIRE(strcmp(input->user, "daemon") == 0);
		REQUIRE(scene_login(&scene, input->user, input->rhost, input->answer) !=
			PAM_SUCCESS);
	}
	if (code == SCENE_IGNORED && strcmp(input->user, "daemon") == 0)
		REQUIRE(may_be_skipped(input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct input input;

	if (!scene.dir[0])
		make_scene();
	if (size == 0)
		return 0;
	memset(&input, 0, sizeof(input));
	cut(&input, data, size);
	lay_out(&input);
	for (size_t i = 0; i < size; i++)
		chance = chance * 31 + data[i];
	odds = input.switches & MANY_FAULTS ? MANY_ODDS : input.switches & FAULTS ? FAULT_ODDS : 0;
	log_in(&input);
	return 0;
}
