#include "ledger.h"

static const uint32_t lines[LEDGER_KINDS] = {
	[LEDGER_DENIED] = LEDGER_DENIED_LINES,
	[LEDGER_ACCEPTED] = LEDGER_ACCEPTED_LINES,
};

/* The index of the user's page; without one, of a free page; LEDGER_USERS: there is neither. */
static size_t find_page(const struct ledger *ledger, uid_t uid)
{
	size_t free_page = LEDGER_USERS;

	for (size_t i = 0; i < LEDGER_USERS; i++) {
		const struct ledger_page *page = &ledger->pages[i];

		if (page->end && page->uid == uid)
			return i;
		if (!page->end && free_page == LEDGER_USERS)
			free_page = i;
	}
	return free_page;
}

bool ledger_write(const struct ledger *ledger, struct ledger_page *note, uid_t uid,
		  enum ledger_kind kind)
{
	size_t index = find_page(ledger, uid);
	const struct ledger_page *page = index < LEDGER_USERS ? &ledger->pages[index]
							      : &ledger->others;
	bool may = page->written[kind] + note->written[kind] < lines[kind];

	note->uid = uid;
	if (may)
		note->written[kind]++;
	else
		note->withheld[kind]++;
	return may;
}

void ledger_enter(struct ledger *ledger, const struct ledger_page *note, uint64_t now)
{
	size_t index = find_page(ledger, note->uid);
	struct ledger_page *page = index < LEDGER_USERS ? &ledger->pages[index] : &ledger->others;
	uint32_t count = 0;

	for (size_t kind = 0; kind < LEDGER_KINDS; kind++) {
		page->written[kind] += note->written[kind];
		page->withheld[kind] += note->withheld[kind];
		count += note->written[kind] + note->withheld[kind];
	}
	if (count == 0 || page->end)
		return;
	page->uid = note->uid;
	page->end = now + LEDGER_TIME;
}

static bool is_over(const struct ledger_page *page, uint64_t now)
{
	return page->end && now >= page->end;
}

static bool is_owed(const struct ledger_page *page, uint64_t now)
{
	return is_over(page, now) &&
	       (page->withheld[LEDGER_DENIED] || page->withheld[LEDGER_ACCEPTED]);
}

size_t ledger_due(const struct ledger *ledger, uint64_t now,
		  struct ledger_page ret_pages[LEDGER_USERS + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < LEDGER_USERS; i++)
		if (is_owed(&ledger->pages[i], now))
			ret_pages[count++] = ledger->pages[i];
	if (is_owed(&ledger->others, now)) {
		ret_pages[count] = ledger->others;
		ret_pages[count++].uid = LEDGER_OTHERS;
	}
	return count;
}

void ledger_clear(struct ledger *ledger, uint64_t now)
{
	for (size_t i = 0; i < LEDGER_USERS; i++)
		if (is_over(&ledger->pages[i], now))
			ledger->pages[i] = (struct ledger_page){0};
	if (is_over(&ledger->others, now))
		ledger->others = (struct ledger_page){0};
}

bool ledger_is_open(const struct ledger *ledger)
{
	for (size_t i = 0; i < LEDGER_USERS; i++)
		if (ledger->pages[i].end)
			return true;
	return ledger->others.end != 0;
}
