/* "Did you mean": the word that somebody who mistyped one probably meant. */
#ifndef COMMON_NEAREST_H
#define COMMON_NEAREST_H

#include <stddef.h>

/*
 * The nearest of `words` to what was typed: letters changed, missing, added or swapped with the
 * next are counted, and a beginning of three letters or more counts as one. NULL if no word
 * is near: more than a third of the letters differ.
 */
const char *nearest_word(const char *typed, const char *const *words, size_t count);

#endif
