#include "doctor/edits.h"

#include <stdlib.h>
#include <string.h>

void edits_end(struct edits *edits)
{
	for (size_t i = 0; i < edits->count; i++)
		free(edits->list[i].line);
	edits->count = 0;
}

void edits_delete(struct edits *edits, unsigned from, unsigned to)
{
	for (; from && from <= to; from++) {
		if (edits->count == EDITS_MAX) {
			edits->bad = true;
			return;
		}
		edits->list[edits->count++] = (struct edit){.at = from};
	}
}

void edits_put(struct edits *edits, unsigned at, bool after, char *line)
{
	for (const char *c = line; c && *c; c++)
		edits->bad |= *c == '\'' || *c == '\\' || *c < ' ' || *c > '~';
	if (!line || edits->count == EDITS_MAX) {
		edits->bad = true;
		free(line);
		return;
	}
	edits->list[edits->count++] = (struct edit){at, after, line};
}

char *edits_line_text(const struct stack_line *line, const char *control)
{
	bool word = control[strcspn(control, " =")] == '\0';
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fprintf(out, "%sauth %s%s%s %s", line->quiet ? "-" : "", word ? "" : "[", control,
		word ? "" : "]", line->path);
	for (int i = 0; i < line->argc; i++) {
		bool plain = line->argv[i][0] != '[' && !strpbrk(line->argv[i], " \t]");

		fprintf(out, plain ? " %s" : " [%s]", line->argv[i]);
		if (!plain && strchr(line->argv[i], ']'))
			fputc('\\', out); /* refused, for it would need an escape */
	}
	fclose(out);
	return text;
}

static void put_edits(FILE *out, const struct edits *edits, unsigned at, bool after)
{
	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *edit = &edits->list[i];

		if (edit->at == at && edit->after == after && edit->line)
			fprintf(out, "%s\n", edit->line);
	}
}

char *edits_apply(const struct edits *edits, const char *text)
{
	char *after = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&after, &len);

	if (!out)
		return NULL;
	for (unsigned number = 1; *text; number++) {
		size_t line = strcspn(text, "\n");
		bool deleted = false;

		for (size_t i = 0; i < edits->count; i++)
			deleted |= edits->list[i].at == number && !edits->list[i].line;
		put_edits(out, edits, number, false);
		if (!deleted)
			fprintf(out, "%.*s\n", (int)line, text);
		put_edits(out, edits, number, true);
		text += line + (text[line] == '\n');
	}
	fclose(out);
	return after;
}

char *edits_command(const struct edits *edits, const char *path, const char *before)
{
	const char *slash = strrchr(path, '/');
	bool vendor = strncmp(path, "/usr/", 5) == 0;
	char *command = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&command, &len);

	if (!out)
		return NULL;
	if (before[0])
		fprintf(out, "%s && ", before);
	else if (vendor)
		fprintf(out, "cp %s /etc/pam.d/ && ", path);
	fputs("sed -i", out);
	for (int deletes = 0; deletes < 2; deletes++)
		for (size_t i = 0; i < edits->count; i++) {
			const struct edit *edit = &edits->list[i];

			if ((edit->line == NULL) != deletes)
				continue;
			if (!edit->line)
				fprintf(out, " -e '%ud'", edit->at);
			else
				fprintf(out, " -e '%u%c %s'", edit->at, edit->after ? 'a' : 'i',
					edit->line);
		}
	if (vendor)
		fprintf(out, " /etc/pam.d%s", slash);
	else
		fprintf(out, " %s", path);
	fclose(out);
	return command;
}
