/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal as a screen: entered and left, also when a signal ends or stops the program. */
#ifndef COMMON_TERM_H
#define COMMON_TERM_H

#include <stdbool.h>
#include "text.h"

/* What a key means; printable keys are themselves. */
enum { KEY_NONE = 0, KEY_UP = 256, KEY_DOWN, KEY_END_OF_INPUT };

/* Whether standard output is a terminal that can be drawn on. */
bool term_is_screen(void);

/* Switch to an empty screen and to unbuffered keys. Whatever ends the program undoes it. */
void term_enter(void);

/* Undo it; may be called at any time, any number of times. */
void term_leave(void);

/* Columns and lines, from the terminal or the environment, else 80 by 24. */
void term_size(int fd, int *columns, int *lines);

/* Draw the whole screen anew: from here ... Tells the text how wide it may be, and the caller how high. */
void term_draw_begin(struct text *text, int *lines);

/* ... to here. 0 or -errno, of memory or of writing. */
int term_draw_end(struct text *text);

/* The next key that was pressed, or KEY_NONE. Does not wait. */
int term_key(void);

/* Colours and UTF-8: as the environment asks for; colours, and lines over older ones, only on a screen. */
void term_text_setup(struct text *text, bool screen);

#endif /* COMMON_TERM_H */
