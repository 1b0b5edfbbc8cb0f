/* SPDX-License-Identifier: BSD-2-Clause */
/* The first half of an import: reading, checking, keeping in memory. */
#include "import/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "import/export_file.h"
#include "login/enroll.h"
#include "record/recovery.h"

#define LIST_NAMES_FROM 200        /* names; fewer are looked up one at a time */
#define TOKEN_LABEL     "imported" /* of a token that has none */

/* --- messages --- */

void import_tell(struct import *import, enum import_note note, const struct place *place,
		 const char *format, ...)
{
	static const char *const before[] = {[IMPORT_LOST] = "not imported: ",
					     [IMPORT_WARNING] = "warning: ",
					     [IMPORT_BAD] = "",
					     [IMPORT_KEPT] = ""};
	char start[32] = " ";
	va_list args;

	if (place->line)
		snprintf(start, sizeof(start), "%u: ", (unsigned)place->line);
	progress_clear(&import->progress);
	fprintf(stderr, "%s:%s%s", place->file, start, before[note]);
	va_start(args, format);
	tool_print(stderr, strlen(place->file) + 1 + strlen(start) + strlen(before[note]), format,
		   args);
	va_end(args);
	fputc('\n', stderr);
	import->bad += note == IMPORT_BAD;
	import->lost += note == IMPORT_LOST;
}

/* --- files --- */

const char *import_path(struct import *import, const char *format, ...)
{
	OWN_TEXT char *path = NULL;
	char *shown = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&path, format, args);
	va_end(args);
	if (len < 0)
		path = NULL;
	else if ((size_t)len < ARENA_BLOCK_LEN)
		shown = arena_take(&import->heap, (size_t)len + 1);
	if (shown)
		text_show(text_of(path), shown, (size_t)len + 1);
	return shown;
}

enum totp_err import_file(struct import *import, const char *path, size_t max,
			  struct import_text *ret_text, struct reason *why)
{
	bool standard = strcmp(path, "-") == 0;
	OWN_FD int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *file = standard ? "standard input" : import_path(import, "%s", path);
	struct import_text *text = &import->texts[import->text_count];
	struct stat st;
	enum totp_err err = TOTP_ERR_NOMEM;

	if (!file)
		return TOTP_ERR_NOMEM;
	if (fd < 0 || fstat(fd, &st) != 0)
		return reason_errno(why, "%.120s", file);
	text->place = (struct place){file, 0};
	if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)))
		import_tell(import, IMPORT_WARNING, &text->place,
			    "holds secrets and others can read it (mode %04o): remove it when you "
			    "are done",
			    (unsigned)st.st_mode & 07777);
	if (S_ISREG(st.st_mode) && st.st_size >= 0 && (uint64_t)st.st_size < max)
		max = (size_t)st.st_size + 1; /* one more, to notice if the file grows meanwhile */
	/* pages that are not written take no memory, and growing the buffer would leave copies */
	text->at = malloc(max);
	text->len = text->at ? max : 0;
	if (text->at)
		err = io_read_all(fd, text->at, max, &text->len);
	import->text_count++;
	*ret_text = *text;
	if (err == TOTP_ERR_RANGE)
		reason_set(why, "%.120s: more than %zu MiB: split it", file, max >> 20);
	else if (err == TOTP_ERR_SYSTEM)
		(void)reason_errno(why, "%.120s: cannot be read", file);
	else if (err != TOTP_OK)
		reason_set(why, "%.120s: %s", file, err_name(err));
	return err;
}

struct text import_without_mark(const struct import_text *file)
{
	bool marked = file->len >= 3 && memcmp(file->at, "\xef\xbb\xbf", 3) == 0;

	return marked ? (struct text){file->at + 3, file->len - 3}
		      : (struct text){file->at, file->len};
}

/* --- accounts --- */

enum totp_err import_account(struct import *import, const char *name, struct account *ret_account,
			     struct reason *why)
{
	if (++import->looked_up == LIST_NAMES_FROM)
		import->names = names_load();
	return names_find(import->names, name, ret_account, why);
}

enum totp_err import_person(struct import *import, const char *name,
			    char ret_user[CRED_USER_MAX + 1], struct reason *why)
{
	char before[CRED_USER_MAX + 1] = "";
	size_t len = strcspn(name, "@");
	struct account account = {0};
	enum totp_err err = import_account(import, name, &account, why);

	ret_user[0] = '\0';
	(void)!text_copy(text_of(name), ret_user, CRED_USER_MAX + 1);
	if (err != TOTP_OK || account.known || !name[len] || len == 0 ||
	    text_copy((struct text){name, len}, before, sizeof(before)) != TOTP_OK)
		return err;
	err = import_account(import, before, &account, why);
	if (err == TOTP_OK && account.known)
		strcpy(ret_user, before);
	return err;
}

/* The slot of a name in the hash table: of its item, or the free slot where it belongs. */
static uint32_t *seen_place(const struct import *import, const char *user)
{
	size_t mask = import->seen_size - 1;

	for (size_t i = (size_t)text_hash(user) & mask;; i = (i + 1) & mask)
		if (!import->seen[i] || strcmp(import->items[import->seen[i] - 1].user, user) == 0)
			return &import->seen[i];
}

/* Make room for one more item. */
static enum totp_err make_room(struct import *import, struct reason *why)
{
	size_t room = import->room;

	if (import->count >= IMPORT_MAX)
		return reason_err(why, TOTP_ERR_RANGE, "more than %d users: split it", IMPORT_MAX);
	if (!array_room(&import->items, import->count, &import->room, sizeof(*import->items)))
		return TOTP_ERR_NOMEM;
	if (import->room == room)
		return TOTP_OK;
	free(import->seen);
	import->seen_size = 2 * import->room;
	import->seen = calloc(import->seen_size, sizeof(*import->seen));
	for (size_t i = 0; import->seen && i < import->count; i++)
		*seen_place(import, import->items[i].user) = (uint32_t)(i + 1);
	return import->seen ? TOTP_OK : TOTP_ERR_NOMEM;
}

/* --- drafts --- */

void draft_wipe(struct draft *draft)
{
	explicit_bzero(draft, sizeof(*draft));
}

/*
 * Add a token at `moving`, with an id, and a label if it has none, or if another has it. *why says
 * what is wrong with it.
 */
static enum totp_err add_token(struct draft *draft, const struct token *token, uint64_t moving,
			       struct reason *why)
{
	const struct cred *cred = &draft->cred;
	struct login_state *state = &draft->state;
	struct token added = *token;
	bool same = false;
	enum totp_err err;

	/* "imported", "imported 2", …, also instead of a label that is in use */
	if (!added.label[0] || enroll_find(cred, added.label) >= 0)
		strcpy(added.label, TOKEN_LABEL);
	for (unsigned n = 2; enroll_find(cred, added.label) >= 0; n++)
		snprintf(added.label, sizeof(added.label), TOKEN_LABEL " %u", n);
	for (size_t i = 0; i < cred->token_count; i++)
		same |= cred->tokens[i].secret.len == token->secret.len &&
			secret_equal(cred->tokens[i].secret.data, token->secret.data,
				     token->secret.len);
	err = enroll_add(&draft->cred, &added);
	WIPE(added);
	if (err == TOTP_OK) {
		memcpy(state->cred_id, cred->id, sizeof(state->cred_id));
		state->tokens[cred->token_count - 1] = (struct token_state){
			.id = cred->tokens[cred->token_count - 1].id, .moving = moving};
		state->token_count = cred->token_count;
	} else if (cred->token_count >= CRED_TOKENS_MAX) {
		reason_set(why, "more than the %d tokens that a user can have", CRED_TOKENS_MAX);
	} else if (same) {
		reason_set(why, "a token with the same secret as another one of the user");
	} else if (token->secret.len < SECRET_IMPORT_MIN) {
		reason_set(why, "secret: expected %d to %d bytes", SECRET_IMPORT_MIN, SECRET_MAX);
	} else {
		reason_set(why, "a token with a value out of range");
	}
	return err;
}

/* --- keeping in memory --- */

enum totp_err item_unpack(const struct item *item, struct draft *ret_draft)
{
	struct bytes in = bytes_of(item->packed, item->len);

	return export_file_decode(&in, &ret_draft->cred, &ret_draft->state);
}

static enum totp_err item_close(struct import *import, struct item *item, const struct draft *draft)
{
	uint8_t bytes[EXPORT_FILE_MAX];
	size_t len = 0;
	enum totp_err err = export_file_encode(&draft->cred, &draft->state, bytes, &len);

	if (err == TOTP_OK)
		item->packed = arena_copy(&import->heap, bytes, len);
	item->len = (uint16_t)len;
	item->tokens = draft->cred.token_count;
	item->codes = (uint8_t)recovery_left(&draft->cred, &draft->state);
	WIPE(bytes);
	return err == TOTP_OK && !item->packed ? TOTP_ERR_NOMEM : err;
}

/* A record with the credential's id is the same one; one that cannot be read is another. */
static enum fate fate_of(const struct import *import, const struct draft *draft, bool has)
{
	OWN_TXN struct store_txn txn = STORE_TXN_NONE;

	if (!has)
		return FATE_NEW;
	if (import->same_id &&
	    store_read_cred(import->ctl->tool.store, draft->cred.user, tool_deadline(), &txn,
			    NULL) == TOTP_OK &&
	    memcmp(txn.cred.id, draft->cred.id, sizeof(txn.cred.id)) == 0)
		return FATE_SAME;
	return import_options.replace ? FATE_REPLACE : FATE_KEEP;
}

/* A user's name, fit for a terminal. */
static const char *printable(const struct import *import, const char *user)
{
	char *shown = import->ctl->shown;

	text_show(text_of(user), shown, sizeof(import->ctl->shown));
	return shown;
}

static void warn_of_secrets(struct import *import, const struct place *place,
			    const struct draft *draft)
{
	for (size_t i = 0; i < draft->cred.token_count; i++)
		if (draft->cred.tokens[i].secret.len < SECRET_GOOD_MIN)
			import_tell(import, IMPORT_WARNING, place,
				    "%s: a secret of %zu bytes; %d or more are good",
				    printable(import, draft->cred.user),
				    draft->cred.tokens[i].secret.len, SECRET_GOOD_MIN);
}

static enum totp_err add_item(struct import *import, struct item item, const struct draft *draft,
			      struct reason *why)
{
	bool has = false;
	enum totp_err err = tool_enrolled(&import->ctl->tool, draft->cred.user, &has, why);

	if (err == TOTP_ERR_RANGE) {
		import_tell(import, IMPORT_BAD, &item.place, "user: expected a shorter name");
		return TOTP_OK;
	}
	if (err == TOTP_OK)
		err = make_room(import, why);
	if (err != TOTP_OK)
		return err;
	item.fate = (uint8_t)fate_of(import, draft, has);
	if (item.fate == FATE_KEEP)
		import_tell(import, IMPORT_KEPT, &item.place,
			    "%s is enrolled already; --replace replaces",
			    printable(import, item.user));
	else if (item.fate != FATE_SAME)
		warn_of_secrets(import, &item.place, draft);
	err = item_close(import, &item, draft);
	if (err == TOTP_OK) {
		import->items[import->count++] = item;
		import->fates[item.fate]++;
		*seen_place(import, item.user) = (uint32_t)import->count;
	}
	return err;
}

/* The user came before: add the tokens. */
static enum totp_err add_tokens(struct import *import, struct item *item, const struct place *place,
				const struct draft *draft)
{
	OWN_DRAFT struct draft all;
	struct reason sentence = {""};
	enum totp_err err = item_unpack(item, &all);

	if (err != TOTP_OK)
		return err;
	for (size_t i = 0; i < draft->cred.token_count; i++)
		if (add_token(&all, &draft->cred.tokens[i], draft->state.tokens[i].moving,
			      &sentence) != TOTP_OK) {
			import_tell(import, IMPORT_LOST, place, "%s", sentence.text);
			return TOTP_OK;
		}
	if (item->fate != FATE_KEEP)
		warn_of_secrets(import, place, draft);
	return item_close(import, item, &all);
}

static enum totp_err add_bound(struct import *import, const struct place *place,
			       const struct draft *draft, bool known, struct reason *why)
{
	const char *user = draft->cred.user;
	struct item item = {.place = *place, .known = known};
	uint32_t seen = import->count ? *seen_place(import, user) : 0;

	if (seen && import->gather)
		return add_tokens(import, &import->items[seen - 1], place, draft);
	if (seen) {
		const struct place *first = &import->items[seen - 1].place;

		if (first->line)
			import_tell(import, IMPORT_BAD, place, "%s is in line %u already",
				    printable(import, user), (unsigned)first->line);
		else
			import_tell(import, IMPORT_BAD, place, "%s is in %s already",
				    printable(import, user), first->file);
		return TOTP_OK;
	}
	item.user = arena_copy(&import->heap, user, strlen(user) + 1);
	return item.user ? add_item(import, item, draft, why) : TOTP_ERR_NOMEM;
}

enum totp_err import_add(struct import *import, const struct place *place,
			 const struct draft *draft, struct reason *why)
{
	OWN_DRAFT struct draft bound = *draft;
	struct account account = {0};
	enum totp_err err = import_account(import, draft->cred.user, &account, why);

	if (err != TOTP_OK)
		return err;
	bound.cred.uid_bound = account.known;
	bound.cred.uid = account.known ? account.uid : 0;
	if (account.known)
		strcpy(bound.cred.user, account.name);
	return add_bound(import, place, &bound, account.known, why);
}

enum totp_err import_token(struct import *import, const struct place *place,
			   struct imported *imported, struct reason *why)
{
	OWN_DRAFT struct draft draft = {.state = {.sequence = 1}};
	struct reason fault = {"its name is not that of an account"};
	enum totp_err err = TOTP_ERR_FORMAT;

	imported->token.created = import->now;
	if (imported->cut)
		import_tell(import, IMPORT_WARNING, place,
			    "the last bits of the secret fill no byte and are dropped, as most "
			    "programs do");
	if (imported->user[0] && text_is_clean(text_of(imported->user)))
		err = enroll_begin(imported->user, false, 0, import->now, &draft.cred);
	if (err == TOTP_OK)
		err = add_token(&draft, &imported->token, imported->moving, &fault);
	if (err == TOTP_OK)
		err = recovery_take_scratch(&draft.cred, imported->codes, imported->code_count);
	if (err == TOTP_OK)
		return import_add(import, place, &draft, why);
	if (err == TOTP_ERR_SYSTEM || err == TOTP_ERR_CRYPTO)
		return err;
	import_tell(import, IMPORT_BAD, place, "%s", fault.text);
	return TOTP_OK;
}

void import_end(struct import *import)
{
	for (size_t i = 0; i < import->text_count; i++) {
		if (import->texts[i].at)
			explicit_bzero(import->texts[i].at, import->texts[i].len);
		free(import->texts[i].at);
	}
	free(import->items);
	free(import->seen);
	names_scope_end(&import->names);
	arena_wipe(&import->heap);
}
