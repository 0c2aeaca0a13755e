# The compilers with which some tests compile by themselves: SLAB_GXX, if it is installed, and SLAB_CLANGS, every clang
# with a version in its name, the newest first, which is SLAB_NEWEST_CLANG.
find_program(SLAB_GXX g++)
file(GLOB SLAB_CLANGS /usr/bin/clang++-[0-9]*)
list(SORT SLAB_CLANGS COMPARE NATURAL ORDER DESCENDING)
set(SLAB_NEWEST_CLANG)
if(SLAB_CLANGS)
  list(GET SLAB_CLANGS 0 SLAB_NEWEST_CLANG)
endif()
