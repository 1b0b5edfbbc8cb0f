/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into a program: counts its allocations, its requests for random bytes and its calls of
 * libcrypto, libssl and libcurl, and makes some of them fail. Or it counts reads and writes, and
 * some of them transfer one byte only. The file that FAILING names holds a struct plan, which the
 * test sets and reads while the program runs; its children count in it too.
 *
 * Other functions of libc that allocate, such as strdup, getline and opendir, call malloc or
 * realloc here, and fail with them.
 *
 * Before anything counts, libcrypto and NSS are used once, unless FAILING_COLD is set: libcrypto
 * 3.0 dies of some failures while it sets itself up, and glibc 2.36 of some at its first query.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

struct plan {
	uint64_t first, last; /* numbers of the calls that fail; 0: none */
	uint64_t is_marked;   /* only calls while the program wants it count */
	uint64_t is_short;    /* count and shorten what is read and written */
	uint64_t count;
	char failed[32]; /* the last one */
};

static struct plan *plan;
static bool wanted, resolving;

/* For a program of the tests, which marks what counts. */
void failing_want(bool is_wanted);

void failing_want(bool is_wanted)
{
	wanted = is_wanted;
}

/* Is this one of the calls that the plan means? */
static bool is_meant(const char *name, bool is_transfer)
{
	uint64_t number;

	if (!plan || resolving || (plan->is_marked && !wanted) || plan->is_short != is_transfer)
		return false;
	number = __atomic_add_fetch(&plan->count, 1, __ATOMIC_RELAXED);
	if (number < plan->first || number > plan->last)
		return false;
	strncpy(plan->failed, name, sizeof(plan->failed) - 1);
	return true;
}

static bool fails(const char *name)
{
	return is_meant(name, false);
}

/* The function that the program would have called, also of a library that it has loaded itself. */
static void *next(const char *name)
{
	void *found, *library;

	resolving = true;
	found = dlsym(RTLD_NEXT, name);
	library = found ? NULL : dlopen("libcurl.so.4", RTLD_LAZY | RTLD_NOLOAD);
	if (library) {
		found = dlsym(library, name);
		dlclose(library); /* the program holds it */
	}
	resolving = false;
	if (!found)
		abort();
	return found;
}

/* --- memory --- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static bool no_memory(const char *name)
{
	if (!fails(name))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return no_memory("malloc") ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return no_memory("calloc") ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return no_memory("realloc") ? NULL : __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size);

void *memalign(size_t alignment, size_t size)
{
	return no_memory("memalign") ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return no_memory("aligned_alloc") ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **ret_block, size_t alignment, size_t size)
{
	void *block = no_memory("posix_memalign") ? NULL : __libc_memalign(alignment, size);

	if (!block)
		return ENOMEM;
	*ret_block = block;
	return 0;
}

/* --- random bytes --- */

ssize_t getrandom(void *bytes, size_t len, unsigned flags);

ssize_t getrandom(void *bytes, size_t len, unsigned flags)
{
	static ssize_t (*real)(void *, size_t, unsigned);
	void *found;

	if (fails("getrandom")) {
		errno = EIO;
		return -1;
	}
	if (!real) {
		found = next("getrandom");
		memcpy(&real, &found, sizeof(real));
	}
	return real(bytes, len, flags);
}

/* --- reading and writing --- */

/* Does it hand over whole messages? */
static bool is_of_messages(int fd)
{
	int type = SOCK_STREAM;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type != SOCK_STREAM;
}

static size_t transferred(const char *name, int fd, size_t len)
{
	int error = errno;
	bool is_short = plan && plan->is_short && len > 1 && !is_of_messages(fd);

	errno = error;
	return is_short && is_meant(name, true) ? 1 : len;
}

#define CAN_BE_SHORT(name, parameters, arguments) \
	ssize_t name parameters; \
	ssize_t name parameters \
	{ \
		static ssize_t(*real) parameters; \
		void *found; \
		if (!real) { \
			found = next(#name); \
			memcpy(&real, &found, sizeof(real)); \
		} \
		len = transferred(#name, fd, len); \
		return real arguments; \
	}

CAN_BE_SHORT(read, (int fd, void *bytes, size_t len), (fd, bytes, len))
CAN_BE_SHORT(pread64, (int fd, void *bytes, size_t len, off64_t at), (fd, bytes, len, at))
CAN_BE_SHORT(write, (int fd, const void *bytes, size_t len), (fd, bytes, len))
CAN_BE_SHORT(pwrite64, (int fd, const void *bytes, size_t len, off64_t at), (fd, bytes, len, at))

CAN_BE_SHORT(recv, (int fd, void *bytes, size_t len, int flags), (fd, bytes, len, flags))
CAN_BE_SHORT(send, (int fd, const void *bytes, size_t len, int flags), (fd, bytes, len, flags))

/* --- libraries --- */

/*
 * None of the functions takes a number with a fraction, or more than ten arguments: this passes on
 * what the caller has put into registers and on the stack. Where fewer were passed, the others are
 * whatever lies there. 0 is a failure: NULL, false or no byte.
 */
typedef uintptr_t word;
#define WORDS word a, word b, word c, word d, word e, word f, word g, word h, word i, word j

#define CAN_FAIL_WITH(name, failure) \
	word name(WORDS); \
	word name(WORDS) \
	{ \
		static word (*real)(WORDS); \
		void *found; \
		if (fails(#name)) \
			return failure; \
		if (!real) { \
			found = next(#name); \
			memcpy(&real, &found, sizeof(real)); \
		} \
		return real(a, b, c, d, e, f, g, h, i, j); \
	}
#define CAN_FAIL(name) CAN_FAIL_WITH(name, 0)

CAN_FAIL(ASN1_TIME_set_string_X509)
CAN_FAIL(ASN1_TIME_to_tm)
CAN_FAIL(BIO_ctrl)
CAN_FAIL(BIO_new)
CAN_FAIL(BIO_new_mem_buf)
CAN_FAIL(BIO_write_ex)
CAN_FAIL(BN_bin2bn)
CAN_FAIL(BN_to_ASN1_INTEGER)
CAN_FAIL(EVP_CIPHER_CTX_ctrl)
CAN_FAIL(EVP_CIPHER_CTX_new)
CAN_FAIL(EVP_CIPHER_CTX_set_padding)
CAN_FAIL(EVP_CIPHER_fetch)
CAN_FAIL(EVP_DecryptFinal_ex)
CAN_FAIL(EVP_DecryptInit_ex)
CAN_FAIL(EVP_DecryptInit_ex2)
CAN_FAIL(EVP_DecryptUpdate)
CAN_FAIL(EVP_Digest)
CAN_FAIL(EVP_EncryptFinal_ex)
CAN_FAIL(EVP_EncryptInit_ex)
CAN_FAIL(EVP_EncryptUpdate)
CAN_FAIL(EVP_MD_fetch)
CAN_FAIL(EVP_PBE_scrypt)
CAN_FAIL(EVP_PKEY_Q_keygen)
CAN_FAIL(GENERAL_NAMES_new)
CAN_FAIL(OPENSSL_sk_push)
CAN_FAIL(PEM_read_bio_PrivateKey)
CAN_FAIL(PEM_read_bio_X509)
CAN_FAIL(PEM_write_bio_PKCS8PrivateKey)
CAN_FAIL(PEM_write_bio_X509)
CAN_FAIL(PKCS5_PBKDF2_HMAC)
CAN_FAIL(SSL_CTX_check_private_key)
CAN_FAIL(SSL_CTX_ctrl)
CAN_FAIL(SSL_CTX_load_verify_locations)
CAN_FAIL(SSL_CTX_new)
CAN_FAIL(SSL_CTX_use_PrivateKey_file)
CAN_FAIL(SSL_CTX_use_certificate_chain_file)
CAN_FAIL(SSL_connect)
CAN_FAIL(SSL_ctrl)
CAN_FAIL(SSL_new)
CAN_FAIL(SSL_read_ex)
CAN_FAIL(SSL_set1_host)
CAN_FAIL(SSL_set_fd)
CAN_FAIL(SSL_write_ex)
CAN_FAIL(X509V3_EXT_conf_nid)
CAN_FAIL(X509_NAME_add_entry_by_NID)
CAN_FAIL(X509_VERIFY_PARAM_set1_ip_asc)
CAN_FAIL(X509_add1_ext_i2d)
CAN_FAIL(X509_add_ext)
CAN_FAIL(X509_check_ca)
CAN_FAIL(X509_check_private_key)
CAN_FAIL(X509_new)
CAN_FAIL(X509_set_issuer_name)
CAN_FAIL(X509_set_pubkey)
CAN_FAIL(X509_set_version)
CAN_FAIL(X509_sign)
CAN_FAIL(X509_verify)
CAN_FAIL(a2i_GENERAL_NAME)

#define CURLE_NO_MEMORY  27
#define CURLHE_NO_MEMORY 5

CAN_FAIL(curl_easy_duphandle)
CAN_FAIL(curl_easy_init)
CAN_FAIL(curl_slist_append)
CAN_FAIL_WITH(curl_easy_getinfo, CURLE_NO_MEMORY)
CAN_FAIL_WITH(curl_easy_header, CURLHE_NO_MEMORY)
CAN_FAIL_WITH(curl_easy_perform, CURLE_NO_MEMORY)
CAN_FAIL_WITH(curl_easy_setopt, CURLE_NO_MEMORY)

/* --- the beginning --- */

extern void EVP_MD_free(void *md);
extern void EVP_CIPHER_free(void *cipher);

static void *pointer(word value)
{
	void *found;

	memcpy(&found, &value, sizeof(found));
	return found;
}

static void use_once(void)
{
	static const char *const digests[] = {"SHA1", "SHA256", "SHA512"};
	uint8_t key[16];

	for (size_t n = 0; n < sizeof(digests) / sizeof(digests[0]); n++)
		EVP_MD_free(pointer(EVP_MD_fetch(0, (word)digests[n], 0, 0, 0, 0, 0, 0, 0, 0)));
	EVP_CIPHER_free(pointer(EVP_CIPHER_fetch(0, (word) "AES-256-GCM", 0, 0, 0, 0, 0, 0, 0, 0)));
	(void)EVP_PBE_scrypt((word) "", 0, (word) "", 0, 16, 1, 1, 1 << 20, (word)key, sizeof(key));
	(void)getpwnam("root");
}

static void __attribute__((constructor)) begin(void)
{
	const char *path = getenv("FAILING");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *shared;

	if (!getenv("FAILING_COLD"))
		use_once();
	if (fd < 0)
		return;
	shared = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (shared != MAP_FAILED)
		plan = shared;
}
