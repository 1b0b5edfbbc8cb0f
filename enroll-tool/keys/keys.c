#include "keys/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/enrolled.h"
#include "host/ask.h"
#include "common/program.h"
#include "common/progress.h"
#include "keys/sealed.h"

#define RESTART_S 60
#define SYSTEMCTL "/usr/bin/systemctl"

/* --- use of keys --- */

/* The state of a survey of all sealed files. */
struct survey {
	struct key_uses *uses;
	struct progress progress;
	size_t done, records;
};

/* The row of a key; a missing one gets a new row. NULL: there are too many. */
static struct key_use *use_of(struct key_uses *uses, uint32_t id)
{
	for (size_t i = 0; i < uses->count; i++)
		if (uses->use[i].id == id)
			return &uses->use[i];
	if (uses->count == KEY_USES_MAX)
		return NULL;
	uses->use[uses->count] = (struct key_use){.id = id};
	return &uses->use[uses->count++];
}

static void count_use(void *context, const struct store_sealed *sealed)
{
	struct survey *survey = context;
	struct key_uses *uses = survey->uses;
	struct key_use *use = sealed->err == TOTP_OK ? use_of(uses, sealed->key_id) : NULL;

	if (survey->done < survey->records)
		progress_show(&survey->progress, "reading records", ++survey->done,
			      survey->records);
	if (sealed->err == TOTP_ERR_FORMAT) /* no key opens it */
		return;
	if (!use) {
		uses->unknown++;
		uses->why = sealed->why;
		if (sealed->err == TOTP_OK)
			reason_set(&uses->why, "%.100s: too many keys are missing", sealed->user);
		return;
	}
	if (sealed->kind == STORE_RECORD)
		use->records++;
	else
		use->invites++;
}

int key_uses_find(const struct tool *tool, const struct keyring *keyring, struct key_uses *ret_uses)
{
	struct survey survey = {.uses = ret_uses, .progress = progress_begin()};
	struct reason why = {""};
	enum totp_err err = enrolled_count(tool->store, &survey.records, &why);

	for (size_t i = 0; i < keyring->count; i++)
		(void)use_of(ret_uses, keyring->keys[i].id);
	if (err == TOTP_OK)
		err = store_each_key(tool->store, count_use, &survey, &why);
	progress_clear(&survey.progress);
	return err == TOTP_OK ? TOOL_DONE : tool_refuse(tool, "%s", why.text);
}

/* --- the keyring --- */

int keys_load(const struct tool *tool, struct keyring_text *ret_text, struct keyring *ret_keyring)
{
	struct reason why = {""};

	if (keyring_text_load(tool->policy.keyring, ret_text, ret_keyring, &why) == TOTP_OK)
		return TOOL_DONE;
	return tool_refuse(tool, "%s", why.text);
}

static int seal_again(const struct tool *tool, const struct keyring_text *text)
{
	if (sealed_is_there())
		return sealed_put(tool, text);
	return tool_refuse(tool,
			   "%s is in memory only, and there is no " SEALED_FILE
			   ": run totpctl key seal, or keep the keyring elsewhere",
			   tool->policy.keyring);
}

int keys_save(const struct tool *tool, const struct keyring_text *text)
{
	struct reason why = {""};
	int code = TOOL_DONE;

	/* before the keyring that the next boot removes */
	if (sealed_is_in_run(tool))
		code = seal_again(tool, text);
	if (code != TOOL_DONE)
		return code;
	if (keyring_put(tool->policy.keyring, keyring_text_of(text), &why) != TOTP_OK)
		return tool_refuse(tool, "%s", why.text);
	return TOOL_DONE;
}

void keys_log(const struct tool *tool, const char *what, uint32_t id)
{
	char detail[32];

	snprintf(detail, sizeof(detail), "key %08x", (unsigned)id);
	tool_log_detail(tool, NULL, what, NULL, detail);
}

static int refuse_errno(const struct tool *tool, const char *path)
{
	return tool_refuse(tool, "%s: cannot make the directory: %s", path, strerror(errno));
}

int keys_make_directory(const struct tool *tool)
{
	char path[POLICY_PATH_MAX];
	OWN_FD int parent_fd = -1;
	char *slash;

	strcpy(path, tool->policy.keyring);
	slash = strrchr(path, '/');
	if (slash == path)
		return TOOL_DONE;
	*slash = '\0';
	if (mkdir(path, 0755) != 0)
		return errno == EEXIST ? TOOL_DONE : refuse_errno(tool, path);
	/* set the mode again: the umask may have removed bits */
	if (chmod(path, 0755) != 0)
		return refuse_errno(tool, path);

	slash = strrchr(path, '/');
	*(slash == path ? slash + 1 : slash) = '\0';
	parent_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return parent_fd >= 0 && fsync(parent_fd) == 0 ? TOOL_DONE : refuse_errno(tool, path);
}

/* --- totpd --- */

static bool listens(const char *run_dir, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	OWN_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", run_dir, name);

	return fd >= 0 && len > 0 && (size_t)len < sizeof(address.sun_path) &&
	       (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
		errno == EAGAIN);
}

/* Its exit status, and the first line of its output. */
static int systemctl(const char *const argv[], char *said, size_t cap)
{
	const struct program program = {.argv = argv, .errors = true, .seconds = RESTART_S};
	size_t len = 0;
	int status = program_run(&program, said, cap, &len);

	said[strcspn(said, "\n")] = '\0';
	return status;
}

static enum totpd ask_systemd(char *said, size_t cap)
{
	static const char *const argv[] = {SYSTEMCTL, "--no-ask-password", "try-restart",
					   "totpd.service", NULL};
	int status = systemctl(argv, said, cap);

	if (status == 5) /* there is no such unit */
		return TOTPD_NONE;
	return status == 0 ? TOTPD_RESTARTED : TOTPD_FAILED;
}

/* The units use the default policy. */
static bool has_systemd(const struct tool *tool)
{
	return !tool->conf && access("/run/systemd/system", F_OK) == 0;
}

bool keys_start_sockets(const struct tool *tool)
{
	static const char *const ask[] = {SYSTEMCTL,      "--quiet",           "is-enabled",
					  "totpd.socket", "totpd-root.socket", NULL};
	static const char *const start[] = {SYSTEMCTL,      "--no-ask-password", "start",
					    "totpd.socket", "totpd-root.socket", NULL};
	char said[256] = "";

	if (!has_systemd(tool) || systemctl(ask, said, sizeof(said)) != 0)
		return false;
	if (systemctl(start, said, sizeof(said)) == 0) {
		printf("Started the sockets of totpd, which are enabled.\n");
		return true;
	}
	tool_refuse(tool, "systemctl could not start the sockets of totpd: %s",
		    said[0] ? said : "it did not answer");
	return false;
}

enum totpd keys_restart_totpd(const struct tool *tool)
{
	const char *run_dir = tool->policy.run_dir;
	enum totpd totpd = TOTPD_NONE;
	char said[256] = "";

	if (has_systemd(tool))
		totpd = ask_systemd(said, sizeof(said));
	if (totpd == TOTPD_NONE &&
	    (listens(run_dir, ASK_SOCKET) || listens(run_dir, ASK_ROOT_SOCKET)))
		totpd = TOTPD_BY_HAND;
	if (totpd == TOTPD_RESTARTED)
		printf("If totpd was running, it has read the keyring again.\n");
	if (totpd == TOTPD_FAILED)
		tool_refuse(tool, "systemctl could not restart totpd: %s",
			    said[0] ? said : "it did not answer");
	return totpd;
}

void keys_renew_totpd(const struct tool *tool)
{
	enum totpd totpd = keys_restart_totpd(tool);

	if (totpd == TOTPD_BY_HAND || totpd == TOTPD_FAILED)
		printf("Restart totpd: until then it stores no new enrollment.\n");
}
