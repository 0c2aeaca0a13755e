#!/bin/bash -eu
# Builds the fuzz targets for ClusterFuzzLite and OSS-Fuzz, which give compilers, flags, engine and folders in the
# environment and run a copy of this script. Whatever fuzz/targets/table lists is built, except what is "hosted";
# docs/scaling.md says how to try it.

source=$SRC/slabproof build=$WORK/slabproof
declare -A max_len
while IFS='(), ' read -r _ target bytes _; do
  max_len[$target]=$bytes
done < <(grep '^SLAB_FUZZ_TARGET(' "$source/fuzz/targets/table" | grep -v ', hosted)$')

# The folder outlives a build; what another sanitizer left there must not be linked.
rm -rf "$build"
# Without a build type CMake adds nothing to the flags that it finds in CXXFLAGS.
cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE= -DSLAB_FUZZ=ON -DSLAB_FUZZING_ENGINE="$LIB_FUZZING_ENGINE"
# The dictionary's program runs here, instrumented; leaks cannot be looked for in every container.
ASAN_OPTIONS=detect_leaks=0 cmake --build "$build" --parallel "$(nproc)" --target "${!max_len[@]}"

for target in "${!max_len[@]}"; do
  cp "$build/bin/$target" "$OUT/"
  if [ -e "$build/bin/$target.dict" ]; then cp "$build/bin/$target.dict" "$OUT/"; fi
  printf '[libfuzzer]\nmax_len = %s\ntimeout = 25\n' "${max_len[$target]}" >"$OUT/$target.options"
  (cd "$source/corpus/$target" && cmake -E tar cf "$OUT/${target}_seed_corpus.zip" --format=zip -- *)
done
