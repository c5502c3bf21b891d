/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

/* C11, C23, C++23 and the GNU spellings that compilers reserve. Sorted. */
static const char *const keywords[] = {
	"_Alignas",
	"_Alignof",
	"_Atomic",
	"_Bool",
	"_Complex",
	"_Generic",
	"_Imaginary",
	"_Noreturn",
	"_Static_assert",
	"_Thread_local",
	"alignas",
	"alignof",
	"and",
	"and_eq",
	"asm",
	"auto",
	"bitand",
	"bitor",
	"bool",
	"break",
	"case",
	"catch",
	"char",
	"char16_t",
	"char32_t",
	"char8_t",
	"class",
	"co_await",
	"co_return",
	"co_yield",
	"compl",
	"concept",
	"const",
	"const_cast",
	"consteval",
	"constexpr",
	"constinit",
	"continue",
	"decltype",
	"default",
	"delete",
	"do",
	"double",
	"dynamic_cast",
	"else",
	"enum",
	"explicit",
	"export",
	"extern",
	"false",
	"float",
	"for",
	"friend",
	"goto",
	"if",
	"inline",
	"int",
	"long",
	"mutable",
	"namespace",
	"new",
	"noexcept",
	"not",
	"not_eq",
	"nullptr",
	"operator",
	"or",
	"or_eq",
	"private",
	"protected",
	"public",
	"register",
	"reinterpret_cast",
	"requires",
	"restrict",
	"return",
	"short",
	"signed",
	"sizeof",
	"static",
	"static_assert",
	"static_cast",
	"struct",
	"switch",
	"template",
	"this",
	"thread_local",
	"throw",
	"true",
	"try",
	"typedef",
	"typeid",
	"typename",
	"typeof",
	"typeof_unqual",
	"union",
	"unsigned",
	"using",
	"virtual",
	"void",
	"volatile",
	"wchar_t",
	"while",
	"xor",
	"xor_eq",
};

static int compare_keyword(const void *name, const void *keyword)
{
	return strcmp(name, *(const char *const *)keyword);
}

static bool is_keyword(const char *name)
{
	return bsearch(name, keywords, sizeof(keywords) / sizeof(keywords[0]), sizeof(keywords[0]),
		       compare_keyword) != NULL;
}

/* Like strcmp(3), with a newline at the end of the listed name. */
static int compare_listed(const char *name, const char *listed)
{
	while (*name && *name == *listed) {
		name++;
		listed++;
	}
	return (unsigned char)*name - (*listed == '\n' ? 0 : (unsigned char)*listed);
}

/* Binary search by position in the text, then back to the start of the name hit. */
static bool list_has(const char *list, size_t len, const char *name)
{
	const char *low = list + 1, *high = list + len;

	while (low < high) {
		const char *mid = low + (high - low) / 2;
		int order;

		while (mid > low && mid[-1] != '\n')
			mid--;
		order = compare_listed(name, mid);
		if (!order)
			return true;
		if (order < 0)
			high = mid;
		else
			low = strchr(mid, '\n') + 1;
	}
	return false;
}

/* A list and its length, which is counted once. */
struct list {
	const char *text;
	size_t len; /* bytes, 0: not counted yet */
};

static bool is_listed(struct list *list, const char *name)
{
	if (!list->len)
		list->len = strlen(list->text);
	return list_has(list->text, list->len, name);
}

static bool is_macro(const char *name)
{
	static struct list macros = {.text = system_macros};

	return is_listed(&macros, name);
}

bool name_is_taken(const char *name)
{
	return is_keyword(name) || is_macro(name);
}

/* Namespaces of C++ that are there whatever is included. Sorted. */
static const char *const namespaces[] = {"__cxxabiv1", "__gnu_cxx", "abi", "mem", "std"};

bool name_is_system_type(const char *name)
{
	static struct list types = {.text = system_types};

	return is_listed(&types, name) || is_macro(name) ||
	       bsearch(name, namespaces, sizeof(namespaces) / sizeof(namespaces[0]),
		       sizeof(namespaces[0]), compare_keyword);
}

bool name_is_system(const char *name)
{
	static struct list names = {.text = system_names};

	return is_listed(&names, name) || name_is_system_type(name);
}

static bool is_printable(unsigned char c)
{
	return c >= ' ' && c < 0x7f;
}

const char *name_visible(struct pool *pool, const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	char *copy, *to;

	while (is_printable(*c))
		c++;
	if (!*c)
		return text;
	copy = pool_alloc(pool, 4 * strlen(text) + 1, 1);
	if (!copy)
		return NULL;
	for (c = (const unsigned char *)text, to = copy; *c; c++) {
		if (is_printable(*c))
			*to++ = (char)*c;
		else
			to += sprintf(to, "\\x%02x", *c);
	}
	*to = '\0';
	return copy;
}

char *name_printf(struct pool *pool, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		return NULL;
	text = pool_alloc(pool, (size_t)len + 1, 1);
	if (!text)
		return NULL;
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return text;
}

const char *name_identifier(struct pool *pool, const char *text)
{
	char *name = pool_alloc(pool, 2 * strlen(text) + 3, 1), *end = name;

	if (!name)
		return NULL;
	if (!*text || isdigit((unsigned char)*text))
		*end++ = '_';
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '.')
			*end++ = '_';
		*end++ = c < 0x80 && isalnum(c) ? (char)c : '_';
	}
	*end = '\0';
	if (name_is_taken(name))
		*end = '_';
	return name;
}

/* In C++ a skeleton is a class with functions of these names, beside these namespaces. Sorted. */
static const char *const skeleton_words[] = {
	"attach", "destroy", "detach", "load", "mem", "open", "open_and_load", "prepare", "std",
};

static bool is_skeleton_word(const char *name)
{
	size_t len = strlen(name);

	if (bsearch(name, skeleton_words, sizeof(skeleton_words) / sizeof(skeleton_words[0]),
		    sizeof(skeleton_words[0]), compare_keyword))
		return true;
	/* what the header itself speaks of: size_t, struct mem_object; "stat" would do no harm there */
	return ((len > 2 && !strcmp(name + len - 2, "_t")) || !strncmp(name, "mem_", 4)) &&
	       name_is_system_type(name);
}

const char *name_skeleton(struct pool *pool, const char *text)
{
	const char *name = name_identifier(pool, text);

	return name && is_skeleton_word(name) ? name_printf(pool, "%s_", name) : name;
}

/* FNV-1a */
static uint32_t hash(const char *text)
{
	uint32_t h = 2166136261u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h;
}

/* The slot that holds a name, or the free one where it goes. */
static uint32_t find_slot(const struct scope *scope, const char *name)
{
	uint32_t mask = scope->capacity - 1, i = hash(name) & mask;

	while (scope->slots[i] && strcmp(scope->slots[i], name) != 0)
		i = (i + 1) & mask;
	return i;
}

bool scope_has(const struct scope *scope, const char *name)
{
	return scope->capacity && scope->slots[find_slot(scope, name)];
}

static int grow(struct scope *scope)
{
	struct scope bigger = *scope;

	bigger.capacity = scope->capacity ? 2 * scope->capacity : 16;
	bigger.slots = pool_alloc(scope->pool, bigger.capacity, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -1;
	for (uint32_t i = 0; i < scope->capacity; i++) {
		if (scope->slots[i])
			bigger.slots[find_slot(&bigger, scope->slots[i])] = scope->slots[i];
	}
	*scope = bigger;
	return 0;
}

const char *scope_claim(struct scope *scope, const char *name)
{
	const char *unique = name;

	for (uint32_t n = 2; scope_has(scope, unique); n++) {
		if (n == 16) /* an enemy's object: don't try them all */
			n = scope->count + n;
		unique = name_printf(scope->pool, "%s_%u", name, n);
		if (!unique)
			return NULL;
	}
	if (2 * (scope->count + 1) > scope->capacity && grow(scope))
		return NULL;
	scope->slots[find_slot(scope, unique)] = unique;
	scope->count++;
	return unique;
}
