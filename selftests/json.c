/* SPDX-License-Identifier: BSD-2-Clause */
/* A judge of JSON that shares nothing with what writes it. */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "json.h"

static bool skip_value(const char **at);

static void skip_space(const char **at)
{
	*at += strspn(*at, " \t\r\n");
}

static bool skip_char(const char **at, char c)
{
	skip_space(at);
	if (**at != c)
		return false;
	++*at;
	return true;
}

static bool skip_string(const char **at)
{
	if (!skip_char(at, '"'))
		return false;
	for (; **at != '"'; ++*at) {
		if (**at < ' ' || **at > '~') /* the end of the text as well */
			return false;
		if (**at != '\\')
			continue;
		++*at;
		if (**at == 'u') {
			if (strspn(*at + 1, "0123456789abcdefABCDEF") < 4)
				return false;
			*at += 4;
		} else if (!**at || !strchr("\"\\/bfnrt", **at)) {
			return false;
		}
	}
	++*at;
	return true;
}

/* Elements between brackets; those of an object have keys. */
static bool skip_list(const char **at, char close, bool keys)
{
	++*at;
	if (skip_char(at, close))
		return true;
	do {
		if (keys && !(skip_string(at) && skip_char(at, ':')))
			return false;
		if (!skip_value(at))
			return false;
	} while (skip_char(at, ','));
	return skip_char(at, close);
}

static bool skip_value(const char **at)
{
	static const char *const words[] = {"true", "false", "null"};

	skip_space(at);
	if (**at == '{')
		return skip_list(at, '}', true);
	if (**at == '[')
		return skip_list(at, ']', false);
	if (**at == '"')
		return skip_string(at);
	for (int i = 0; i < 3; i++) {
		if (!strncmp(*at, words[i], strlen(words[i]))) {
			*at += strlen(words[i]);
			return true;
		}
	}
	/* whole numbers are all there is */
	if (!isdigit((unsigned char)**at) || (**at == '0' && isdigit((unsigned char)(*at)[1])))
		return false;
	*at += strspn(*at, "0123456789");
	return true;
}

const char *json_error(const char *text)
{
	if (!skip_value(&text))
		return text;
	skip_space(&text);
	return *text ? text : NULL;
}
