# Writes OUT, which defines build_commit() of build.hpp for the tree SOURCE; leaves it alone when it says that already.
execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD OUTPUT_VARIABLE commit ERROR_QUIET
  OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND git -C ${SOURCE} diff --quiet HEAD RESULT_VARIABLE differs OUTPUT_QUIET ERROR_QUIET)
if(NOT commit)
  set(commit "a tree without a commit")
elseif(NOT differs EQUAL 0)
  set(commit "a changed tree after commit ${commit}")
else()
  set(commit "commit ${commit}")
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT [[
#include "fuzz/replay/build.hpp"
const char* slabproof::build_commit() { return "@commit@"; }
]] @ONLY)
