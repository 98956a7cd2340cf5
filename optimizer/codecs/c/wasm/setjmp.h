/* WASI has no setjmp. Where libaom would jump out of a failed encode, the instance ends instead: its host answers
   for it, and the visitor keeps the original. */
#ifndef VITRINE_SETJMP_H
#define VITRINE_SETJMP_H

typedef int jmp_buf[1];

static inline int setjmp(jmp_buf here) {
  (void)here;
  return 0;
}

_Noreturn static inline void longjmp(jmp_buf there, int value) {
  (void)there;
  (void)value;
  __builtin_trap();
}

#endif
