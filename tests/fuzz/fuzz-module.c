/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole module under libpam: policy, PAM line, user, host, answer, record and state come from
 * the input, while calls of libc and libcrypto fail at random, with the input as the seed. Whatever
 * they are, a login is allowed only with a genuine record and state and a correct code, and then
 * once; and an enrolled user skips the question only where the policy says exempt or trusted.
 *
 * Input: one byte of SWITCHES; policy lines, PAM arguments, user, remote host and answer, each up
 * to a NUL; two bytes, the length of the record; the record; the rest is the state.
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
#include "base/io.h"
#include "record/state.h"

enum {
	GENUINE_RECORD = 1, /* instead of the input's */
	GENUINE_STATE = 2,
	RIGHT_CODE = 4,
	GENUINE_USER = 8,
	FAULTS = 16,      /* 1 call in 400 fails */
	MANY_FAULTS = 32, /* 1 in 10 */
	MISSING_STATE = 64,
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
	for (int step = -10; step <= 10; step++)
		if (strcmp(digits, scene_code("daemon", scene_now + step * SCENE_STEP)) == 0)
			return true;
	return false;
}

struct input {
	unsigned switches;
	char policy[2048], arguments[1024], user[512], rhost[256], answer[1024];
	const uint8_t *record, *state;
	size_t record_len, state_len;
};

static void cut(struct input *input, const uint8_t *data, size_t size)
{
	struct text rest = fuzz_text(data + 1, size - 1);

	input->switches = data[0];
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
	scene_policy(&scene, input->policy);
	scene_service(&scene, "", input->arguments);
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

static void log_in(const struct input *input)
{
	int code = scene_login(&scene, input->user, input->rhost, input->answer);

	odds = 0;
	if (code == PAM_SUCCESS) {
		REQUIRE(may_be_let_in(input));
		REQUIRE(strcmp(input->user, "daemon") == 0);
		REQUIRE(scene_login(&scene, input->user, input->rhost, input->answer) !=
			PAM_SUCCESS);
	}
	if (code == SCENE_IGNORED && strcmp(input->user, "daemon") == 0)
		REQUIRE(strstr(input->policy, "exempt") || strstr(input->arguments, "exempt") ||
			strstr(input->policy, "trusted_networks"));
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
