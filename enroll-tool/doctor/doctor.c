/*
 * totpctl doctor: is everything as it must be for codes to be asked, and for the right ones
 * to let people in?
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#include "doctor/doctor.h"
#include "host/conf.h"
#include "host/log.h"
#include "common/json.h"

bool doctor_grow(struct doctor *doctor, void *list, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 16;
	void *old, *grown;

	if (count < *room)
		return true;
	memcpy(&old, list, sizeof(old));
	grown = reallocarray(old, more, size);
	if (!grown) {
		doctor->no_memory = true;
		return false;
	}
	memcpy(list, &grown, sizeof(grown));
	*room = more;
	return true;
}

static char *format_text(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static char *format_text(const char *format, va_list args)
{
	char *text = NULL;

	return vasprintf(&text, format, args) < 0 ? NULL : text;
}

/* Another command is for another service's file. */
static bool has_repair(const struct finding *finding, const char *repair)
{
	return !repair || (finding->repair && strcmp(finding->repair, repair) == 0);
}

static struct finding *find_told(struct doctor *doctor, const char *id, const char *what)
{
	/* those of stacks come first; records may be very many, and each is looked at once */
	for (size_t i = 0; i < doctor->count && i < 500; i++)
		if (strcmp(doctor->findings[i].id, id) == 0 &&
		    strcmp(doctor->findings[i].what, what) == 0 &&
		    has_repair(&doctor->findings[i], doctor->repair))
			return &doctor->findings[i];
	return NULL;
}

static void add_service(struct finding *finding, const char *service)
{
	char *longer = NULL;

	if (!service)
		return;
	if (!finding->services) {
		finding->services = strdup(service);
		return;
	}
	if (asprintf(&longer, "%s, %s", finding->services, service) < 0)
		return;
	free(finding->services);
	finding->services = longer;
}

struct finding *doctor_find(struct doctor *doctor, const char *id, const char *service,
			    const char *why, const char *what, ...)
{
	struct finding *finding;
	char *text;
	va_list args;

	va_start(args, what);
	text = format_text(what, args);
	va_end(args);
	finding = text ? find_told(doctor, id, text) : &doctor->spare;
	if (!finding && doctor_grow(doctor, &doctor->findings, doctor->count, &doctor->room,
				    sizeof(*finding))) {
		finding = &doctor->findings[doctor->count++];
		*finding = (struct finding){.id = id, .why = why, .what = text};
		text = NULL;
	}
	doctor->no_memory |= !finding || finding == &doctor->spare;
	free(text);
	if (!finding)
		return &doctor->spare;
	add_service(finding, service);
	return finding;
}

void doctor_repair(struct finding *finding, const char *format, ...)
{
	va_list args;

	free(finding->repair);
	va_start(args, format);
	finding->repair = format_text(format, args);
	va_end(args);
}

/*
 * Whose directory is a file in? Its owner can link any file into it, also one of root's, and
 * unlink it at any moment: the file that was opened may be one that is at home elsewhere.
 * False: others can write there too, or the file has another name, or is not there any more.
 */
static bool find_directory(const char *path, int flags, int fd, uid_t *ret_owner)
{
	OWN_TEXT char *real = flags & O_NOFOLLOW ? strdup(path) : realpath(path, NULL);
	char *slash = real ? strrchr(real, '/') : NULL;
	OWN_FD int dir_fd = -1;
	struct stat dir, named, opened;

	if (!slash || !slash[1])
		return false;
	*slash = '\0';
	dir_fd = open(real[0] ? real : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 || fstat(dir_fd, &dir) != 0 || fstat(fd, &opened) != 0 ||
	    fstatat(dir_fd, slash + 1, &named, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	*ret_owner = dir.st_uid;
	return !(dir.st_mode & (S_IWGRP | S_IWOTH)) && named.st_ino == opened.st_ino &&
	       named.st_dev == opened.st_dev &&
	       (S_ISDIR(named.st_mode) || (S_ISREG(named.st_mode) && named.st_nlink == 1));
}

/* With the rights of the directory's owner, who cannot change what is another's. */
static bool change_mode(int fd, mode_t mode, uid_t owner)
{
	bool done;

	if (owner != 0)
		(void)setfsuid(owner);
	done = fchmod(fd, mode) == 0;
	(void)setfsuid(0);
	return done;
}

void doctor_modes(struct doctor *doctor, const char *path, int flags, mode_t forbidden, uid_t owner,
		  const char *why)
{
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
	struct finding *finding;
	struct stat st;
	uid_t dir_owner = 0;
	bool sure;

	if (fd < 0 || fstat(fd, &st) != 0)
		return;
	if (st.st_uid != 0 && st.st_uid != owner)
		doctor_repair(doctor_find(doctor, "owner", NULL, why, "%s: owned by uid %u", path,
					  (unsigned)st.st_uid),
			      "make sure that it is as you left it, then: chown -h %u:0 %s",
			      (unsigned)owner, path);
	if (!(st.st_mode & forbidden))
		return;
	finding = doctor_find(doctor, "mode", NULL, why, "%s: mode %04o", path,
			      (unsigned)st.st_mode & 07777);
	sure = find_directory(path, flags, fd, &dir_owner);
	if (dir_owner == 0)
		doctor_repair(finding, "chmod %s %s", forbidden & S_IROTH ? "go-rwx" : "go-w",
			      path);
	else if (st.st_uid == dir_owner)
		doctor_repair(finding, "totpctl doctor --fix");
	else
		doctor_repair(finding,
			      "make sure that it is a file of this store, then: chown -h %u:0 %s; "
			      "totpctl doctor --fix",
			      (unsigned)dir_owner, path);
	if (doctor->fix && sure)
		finding->repaired = change_mode(fd, st.st_mode & 07777 & ~forbidden, dir_owner);
}

bool doctor_is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "/._+@%:=~-";

	return word[0] && word[0] != '-' && word[0] != '~' && word[strspn(word, plain)] == '\0';
}

/* --- telling --- */

/* What is found and its repair may hold names that strangers chose. */
static void print_finding(const struct finding *finding, size_t number)
{
	size_t column = (size_t)printf("%zu. ", number);

	if (finding->services) {
		column = tool_wrap(stdout, tool_harmless(finding->services), column, 3);
		column += (size_t)printf(": ");
	}
	tool_wrap(stdout, tool_harmless(finding->what), column, 3);
	printf("\n   Why:    ");
	tool_wrap(stdout, finding->why, 11, 11);
	printf("\n");
	if (finding->repaired)
		printf("   Repaired.\n");
	else if (finding->repair) /* not broken: a copied command would be another one */
		printf("   Repair: %s\n", tool_harmless(finding->repair));
}

static void print_findings(const struct doctor *doctor)
{
	size_t repaired = 0;

	for (size_t i = 0; i < doctor->count; i++) {
		if (i)
			printf("\n");
		print_finding(&doctor->findings[i], i + 1);
		repaired += doctor->findings[i].repaired;
	}
	if (doctor->count == 0)
		printf("Nothing was found.\n");
	else
		printf("\n%zu found, %zu repaired\n", doctor->count, repaired);
}

/* "sshd, su" as an array */
static void put_services(struct json *json, const char *services)
{
	struct text rest = text_of(services ? services : ""), one;
	char name[256];

	json_open(json, "services", '[');
	while (text_field(&rest, ',', &one))
		if (text_copy(text_trim(one), name, sizeof(name)) == TOTP_OK)
			json_text(json, NULL, name);
	json_close(json, ']');
}

static void put_finding(struct json *json, const struct finding *finding)
{
	json_open(json, NULL, '{');
	json_text(json, "id", finding->id);
	put_services(json, finding->services);
	json_text(json, "what", finding->what);
	json_text(json, "why", finding->why);
	json_text(json, "repair", finding->repair);
	json_bool(json, "repaired", finding->repaired);
	json_close(json, '}');
}

static size_t json_room(const char *text)
{
	return text ? 6 * strlen(text) : 4;
}

/* An array of objects, one for each finding. */
static int print_json(const struct doctor *doctor)
{
	size_t room = 16;
	struct json json;
	OWN_TEXT char *text = NULL;

	for (size_t i = 0; i < doctor->count; i++) {
		const struct finding *finding = &doctor->findings[i];

		room += 192 + strlen(finding->id) + json_room(finding->what) +
			json_room(finding->why) + json_room(finding->repair) +
			2 * json_room(finding->services);
	}
	text = malloc(room);
	if (!text)
		return tool_refuse(&doctor->ctl->tool, "%s", err_name(TOTP_ERR_NOMEM));
	json = json_of(text, room);
	json_open(&json, NULL, '[');
	for (size_t i = 0; i < doctor->count; i++)
		put_finding(&json, &doctor->findings[i]);
	json_close(&json, ']');
	if (json_end(&json) != TOTP_OK)
		return tool_refuse(&doctor->ctl->tool, "the findings do not fit");
	fwrite(json.out.data, 1, json.out.len, stdout);
	return TOOL_DONE;
}

/* --- looking --- */

static void tell_complaint(void *context, const struct reason *complaint)
{
	struct doctor *doctor = context;
	struct finding *finding =
		doctor_find(doctor, "policy", NULL,
			    "a policy with a mistake refuses every login, so none of it counts",
			    "%s", complaint->text);

	doctor_repair(finding, "mend the file, then: totpctl check");
}

static bool load_policy(struct doctor *doctor)
{
	struct tool *tool = &doctor->ctl->tool;
	const char *path = tool->conf ? tool->conf : POLICY_FILE;

	doctor_modes(doctor, path, 0, S_IWGRP | S_IWOTH, 0,
		     "whoever can write the policy decides who is asked; it is refused");
	return conf_load(path, tool->conf, &tool->policy, tell_complaint, doctor) == TOTP_OK;
}

/* A group of a list that does not exist refuses whoever is looked up in it. */
static void look_at_lists(struct doctor *doctor)
{
	const struct policy *policy = &doctor->ctl->tool.policy;
	const char *const lists[] = {policy->required_for, policy->exempt};
	struct reason why = {""};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (account_groups_exist(lists[i], &why) != TOTP_OK)
			doctor_repair(doctor_find(doctor, "group", NULL,
						  "every user who is looked up in it is refused",
						  "%s", why.text),
				      "make the group, or take it out of the policy");
}

static void doctor_end(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->count; i++) {
		free(doctor->findings[i].what);
		free(doctor->findings[i].repair);
		free(doctor->findings[i].services);
	}
	for (size_t i = 0; i < doctor->patient_count; i++)
		free(doctor->patients[i].name);
	free(doctor->findings);
	free(doctor->patients);
	free(doctor->sshd_settings);
	free(doctor->spare.repair);
	free(doctor->spare.services);
}

static void look(struct doctor *doctor)
{
	bool good = load_policy(doctor);

	doctor_ask_sshd(doctor);
	doctor_stacks(doctor);
	doctor_sshd(doctor);
	doctor_clock(doctor);
	if (!good)
		return;
	look_at_lists(doctor);
	doctor_store(doctor);
	doctor_totpd(doctor);
	doctor_host(doctor);
	doctor_administrators(doctor);
}

/* What was changed goes to the log, as all that a tool changes. */
static void log_repairs(const struct doctor *doctor)
{
	struct log_event event = {
		.service = doctor->ctl->tool.name, .outcome = "repaired", .reason = "doctor"};

	for (size_t i = 0; i < doctor->count; i++) {
		event.detail = doctor->findings[i].what;
		if (doctor->findings[i].repaired)
			tool_log_event(&event);
	}
}

static int conclude(const struct doctor *doctor)
{
	int code = TOOL_DONE;

	if (doctor->no_memory)
		return tool_refuse(&doctor->ctl->tool, "%s", err_name(TOTP_ERR_NOMEM));
	if (doctor->ctl->json)
		code = print_json(doctor);
	else
		print_findings(doctor);
	for (size_t i = 0; i < doctor->count; i++)
		if (!doctor->findings[i].repaired)
			code = TOOL_REFUSED;
	return code;
}

int ctl_doctor(struct ctl *ctl)
{
	struct doctor doctor = {.ctl = ctl, .fix = ctl->fix};
	int code = tool_need_root(&ctl->tool, "look at all that a login needs");

	if (code != TOOL_DONE)
		return code;
	look(&doctor);
	log_repairs(&doctor);
	code = conclude(&doctor);
	doctor_end(&doctor);
	return code;
}
