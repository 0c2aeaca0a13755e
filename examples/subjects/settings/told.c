#if __STDC_VERSION__ != 201112L || !defined(OF_INSTRUMENTED) || !defined(IN_C_FLAGS) || defined(IN_CXX_ALONE)
#error "what a target of INSTRUMENT is compiled with"
#endif
int told(void) { return 1; }
