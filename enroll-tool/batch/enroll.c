/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl enroll USER..., enroll --batch FILE: credentials for many, one letter each. A letter
 * is on the disk before the secret in it counts, and goes again if that fails: nobody is
 * enrolled whose letter is not there.
 */
#include "common/ctl.h"

#include <string.h>

#include "batch/batch_users.h"
#include "host/clock.h"
#include "common/interrupt.h"
#include "common/json.h"
#include "batch/letter.h"
#include "login/enroll.h"

#define LABEL "phone"

static struct {
	const char *letters, *batch;
	bool must_confirm, keep_going, json;
} options;

static const struct option_row option_rows[] = {
	{"letters", "DIRECTORY", "required: new or empty; '-': print the only letter",
	 .text = &options.letters},
	{"batch", "FILE", "the users, one a line, instead; '-' is standard input",
	 .text = &options.batch},
	{"must-confirm", NULL, "each enrollment takes effect with its first correct code",
	 .flag = &options.must_confirm},
	{"keep-going", NULL, "enroll the others; exit 1 if any was left out",
	 .flag = &options.keep_going},
	{"json", NULL, "print an array of objects, one for each user", .flag = &options.json},
	{0},
};

struct batch {
	struct ctl *ctl;
	struct batch_users users;
	struct letter_dir letters;
	size_t written; /* letters */
	size_t stored;  /* credentials… */
	bool unsure;    /* …and perhaps others: the store did not answer */
	int64_t now;
};

/* One letter goes to standard output, and nothing else does. */
static bool is_printed(void)
{
	return options.letters && !strcmp(options.letters, "-");
}

#define OWN_BATCH OWN(batch_end)

static void batch_end(struct batch *batch)
{
	batch_users_wipe(&batch->users);
	letter_dir_close(&batch->letters, batch->written == 0);
}

/* --- letters --- */

static int write_letter(struct batch *batch, const struct person *person, char text[LETTER_MAX])
{
	const struct tool *tool = &batch->ctl->tool;
	struct otp_uri uri;
	struct letter letter = {.user = person->name,
				.uri = &uri,
				.made = batch->now,
				.help = tool->policy.help,
				.must_confirm = options.must_confirm};
	struct reason why = {""};
	size_t len = 0;
	enum totp_err err = batch_users_uri(&batch->users, person, &uri, &why);

	if (err == TOTP_OK)
		err = enroll_secret(&uri.secret);
	if (err == TOTP_OK) {
		memcpy(person->secret, uri.secret.data, SECRET_NEW_LEN);
		err = letter_write(&letter, text, &len, &why);
	}
	uri_wipe(&uri);
	if (err != TOTP_OK)
		return tool_refuse(tool, "no letter: %s", why.text[0] ? why.text : err_name(err));
	return letter_dir_put(tool, &batch->letters, person->name, text, len);
}

static int write_letters(struct batch *batch)
{
	static char text[LETTER_MAX]; /* large; wiped below */
	struct batch_users *users = &batch->users;
	int code = TOOL_DONE;

	while (code == TOOL_DONE && batch->written < users->good_count) {
		progress_show(&users->progress, "letters   ", batch->written + 1,
			      users->good_count);
		/* counted first: what is cut short goes, too */
		code = write_letter(batch, users->good[batch->written++], text);
		if (code == TOOL_DONE && interrupt_seen())
			code = tool_refuse(&batch->ctl->tool, "interrupted");
	}
	explicit_bzero(text, sizeof(text));
	progress_clear(&users->progress);
	return code == TOOL_DONE ? letter_dir_sync(&batch->ctl->tool, &batch->letters) : code;
}

/* --- credentials --- */

static enum totp_err next_cred(void *context, size_t index, struct cred *ret_cred,
			       struct login_state *ret_state)
{
	struct batch *batch = context;
	const struct person *person = batch->users.good[index];
	const struct policy *policy = &batch->ctl->tool.policy;
	struct token token = {.type = TOKEN_TOTP,
			      .alg = policy->algorithm,
			      .digits = (uint8_t)policy->digits,
			      .period = (uint16_t)policy->period,
			      .created = batch->now,
			      .label = LABEL,
			      .secret = {.len = SECRET_NEW_LEN}};
	enum totp_err err;

	progress_show(&batch->users.progress, "enrolling ", index + 1, batch->users.good_count);
	if (interrupt_seen())
		return TOTP_ERR_SYSTEM;
	memcpy(token.secret.data, person->secret, SECRET_NEW_LEN);
	err = enroll_begin(person->name, true, person->uid, batch->now, ret_cred);
	ret_cred->must_confirm = options.must_confirm;
	if (err == TOTP_OK)
		err = enroll_add(ret_cred, &token);
	if (err == TOTP_OK)
		state_init(ret_cred, ret_state);
	WIPE(token);
	return err;
}

static int store_all(struct batch *batch)
{
	const struct tool *tool = &batch->ctl->tool;
	struct reason why = {""};
	const struct store_many many = {batch->users.good_count, next_cred, batch};
	enum totp_err err = store_create_many(tool->store, &many, &batch->stored, &why);

	progress_clear(&batch->users.progress);
	batch->unsure = err == TOTP_ERR_TIMEOUT;
	if (err == TOTP_OK && interrupt_seen())
		tool_refuse(tool, "interrupted too late: all are enrolled");
	if (err == TOTP_OK)
		return TOOL_DONE;
	return interrupt_seen() ? tool_refuse(tool, "interrupted")
				: tool_refuse(tool, "%s", why.text);
}

static int enroll_all(struct batch *batch)
{
	int code = letter_dir_open(&batch->ctl->tool, options.letters, &batch->letters);

	if (code != TOOL_DONE)
		return code;
	interrupt_watch();
	code = write_letters(batch);
	if (code == TOOL_DONE)
		code = store_all(batch);
	if (code == TOOL_DONE)
		return code;
	if (batch->unsure)
		return tool_refuse(&batch->ctl->tool,
				   "%zu of %zu users are enrolled, and perhaps more: all letters "
				   "are kept, and totpctl list shows whose are valid",
				   batch->stored, batch->users.good_count);
	for (size_t i = batch->stored; i < batch->written; i++)
		letter_dir_drop(&batch->letters, batch->users.good[i]->name);
	batch->written = batch->stored;
	if (batch->stored)
		return tool_refuse(&batch->ctl->tool,
				   "%zu of %zu users are enrolled, and have their letters; run it "
				   "again for the others",
				   batch->stored, batch->users.good_count);
	return tool_refuse(&batch->ctl->tool, "nobody is enrolled, and %s",
			   is_printed() ? "a printed letter is not valid" : "no letter is left");
}

/* --- who, and what came of it --- */

static int find_people(struct batch *batch)
{
	struct ctl *ctl = batch->ctl;
	struct batch_users *users = &batch->users;
	int code = options.batch ? batch_users_of_file(users, options.batch)
				 : batch_users_of_words(users, ctl->word_count, ctl->words);

	if (code == TOOL_DONE)
		code = batch_users_check(users);
	if (code != TOOL_DONE)
		return code;
	if (users->left_out && !options.keep_going)
		return tool_refuse(&ctl->tool,
				   "nobody is enrolled: %zu of %zu cannot be enrolled; leave them "
				   "out with --keep-going",
				   users->left_out, users->count);
	return users->good_count ? TOOL_DONE : tool_refuse(&ctl->tool, "there is nobody to enroll");
}

static int print_json(const struct batch *batch, bool enrolled)
{
	struct json json;

	json_begin(&json, '[');
	for (size_t i = 0; i < batch->users.count; i++) {
		const struct person *person = &batch->users.people[i];
		char path[4096] = "", name[LETTER_DIR_NAME_MAX];

		if (enrolled && !person->refusal && letter_dir_name(person->name, name) == TOTP_OK)
			snprintf(path, sizeof(path), "%s/%s", batch->letters.dir, name);
		json_open(&json, NULL, '{');
		json_text(&json, "user", person->name);
		json_text(&json, "letter", path[0] ? path : NULL);
		json_text(&json, "error", person->refusal);
		json_close(&json, '}');
	}
	return tool_end_json(&batch->ctl->tool, &json);
}

static void print_text(const struct batch *batch)
{
	size_t count = batch->users.good_count;
	char shown[256];

	text_show(text_of(batch->letters.dir), shown, sizeof(shown));
	printf("%zu user%s enrolled.%s\n"
	       "The letter%s in %s.\n"
	       "Print, hand out, then delete: each holds a secret.\n",
	       count, count == 1 ? " is" : "s are",
	       options.must_confirm ? " Each enrollment takes effect with its first correct code."
				    : "",
	       count == 1 ? " is" : "s are", shown);
}

static int run(struct batch *batch)
{
	struct ctl *ctl = batch->ctl;
	int code = find_people(batch);

	if (code == TOOL_DONE)
		code = enroll_all(batch);
	for (size_t i = 0; code == TOOL_DONE && i < batch->users.good_count; i++)
		tool_log_detail(&ctl->tool, batch->users.good[i]->name, "enrolled", LABEL,
				options.must_confirm ? "takes effect with the first correct code"
						     : NULL);
	if (options.json && print_json(batch, code == TOOL_DONE) != TOOL_DONE)
		return TOOL_REFUSED;
	if (!options.json && !is_printed() && code == TOOL_DONE)
		print_text(batch);
	if (code == TOOL_DONE && batch->users.left_out)
		return tool_refuse(&ctl->tool, "%zu left out", batch->users.left_out);
	return code;
}

static int enroll_users(struct ctl *ctl)
{
	OWN_BATCH struct batch batch = {.ctl = ctl, .letters = LETTER_DIR_NONE, .now = clock_now()};
	int code;

	if (!options.batch == !ctl->word_count || ctl->word_count > BATCH_USERS_MAX)
		return tool_usage(&ctl->tool, "enroll: expected names of users, or --batch FILE");
	if (!options.letters)
		return tool_usage(&ctl->tool, "expected --letters DIRECTORY: where the letters go");
	if (is_printed() && (ctl->word_count != 1 || options.json))
		return tool_usage(&ctl->tool,
				  "--letters - prints one letter: name one user, without --json");
	code = tool_open(&ctl->tool, "enroll many users");
	if (code != TOOL_DONE)
		return code;
	batch.users = (struct batch_users){.tool = &ctl->tool, .progress = progress_begin()};
	return run(&batch);
}

const struct command ctl_enroll = {
	.name = "enroll",
	.arguments = "[USER...]",
	.help = "enroll many users at once, with a letter for each",
	.more = "A letter is one page to print: QR code, key and what to do with them. If any\n"
		"user has no account or is already enrolled, it prints the reason and enrolls\n"
		"nobody.\n",
	.options = option_rows,
	.run = enroll_users,
};
