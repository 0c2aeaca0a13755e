# Mistakes that must not compile, each with the sentence that says why. Included by
# properties/CMakeLists.txt; the compiler runs when the tests do.
set(compile_fail_command ${CMAKE_CXX_COMPILER} -std=c++20 -fsyntax-only -fdiagnostics-color=never
  -I ${PROJECT_SOURCE_DIR}/allocator/include ${CMAKE_CURRENT_LIST_DIR}/compile_fail/cache.cpp)

# The positive controls: the same program without a mistake, for both caches.
add_test(NAME CompileFail.NothingIsWrongWithTheProgramItself COMMAND ${compile_fail_command})
add_test(NAME CompileFail.NothingIsWrongWithTheProgramForADynamicCache COMMAND ${compile_fail_command} -DDYNAMIC)

# An `error:` line exists only when the compiler fails; the sentence must be on it.
function(refuses name sentence)
  add_test(NAME CompileFail.${name} COMMAND ${compile_fail_command} ${ARGN})
  set_tests_properties(CompileFail.${name} PROPERTIES PASS_REGULAR_EXPRESSION "error: [^\n]*${sentence}")
endfunction()

set(small -DTYPE=slab::ObjectSizeType::Small)
set(large -DTYPE=slab::ObjectSizeType::Large)

refuses(PageSizeNotPowerOfTwo "slab: PageSizeNotPowerOfTwo: Config::page_size must be" -DPAGE_SIZE=4095)
refuses(PageSizeTooSmall "slab: PageSizeTooSmall: Config::page_size must be" -DPAGE_SIZE=32)
refuses(SlabSizeNotPowerOfTwo "slab: SlabSizeNotPowerOfTwo: Config::slab_size must be" -DSLAB_SIZE=12288)
refuses(SlabSizeBelowPageSize "slab: SlabSizeBelowPageSize: a slab is at least one page" -DSLAB_SIZE=2048)
refuses(SlabSizeTooLarge "slab: SlabSizeTooLarge: Config::slab_size must be" -DSLAB_SIZE=2147483648)
refuses(UnknownObjectSizeType "slab: UnknownObjectSizeType: Config::object_size_type must be"
  -DTYPE=slab::ObjectSizeType{2})
refuses(ObjectAlignAbovePageSize "slab: ObjectAlignAbovePageSize: T is aligned" -DOBJECT_ALIGN=8192)
refuses(ObjectTooLarge.Small "slab: ObjectTooLarge: not one T fits" ${small} -DOBJECT_SIZE=8121)
refuses(ObjectTooLarge.Large "slab: ObjectTooLarge: not one T fits" ${large} -DOBJECT_SIZE=8193)

set(single_page_functions alloc_slab free_slab)
set(multi_page_functions ${single_page_functions} save_slab_info get_slab_info delete_slab_info)
set(large_functions ${multi_page_functions} alloc_slab_info free_slab_info)
foreach(function IN LISTS single_page_functions)
  refuses(SmallSinglePage.BackendLacks.${function} "slab: [^\n]*lacks `[^`]* ${function}\\(" ${small}
    -DSLAB_SIZE=4096 -DLACKING=${function})
endforeach()
foreach(function IN LISTS multi_page_functions)
  refuses(SmallMultiPage.BackendLacks.${function} "slab: [^\n]*lacks `[^`]* ${function}\\(" ${small}
    -DLACKING=${function})
endforeach()
foreach(function IN LISTS large_functions)
  refuses(Large.BackendLacks.${function} "slab: [^\n]*lacks `[^`]* ${function}\\(" ${large} -DLACKING=${function})
endforeach()
refuses(DynamicCache.BackendLacks.free_slab_info "lacks `void free_slab_info\\(" -DDYNAMIC -DLACKING=free_slab_info)
refuses(BackendFunctionMayThrow "lacks `bool save_slab_info\\([^\n]*\\) noexcept`" "-DMAY_THROW= ")
refuses(CanMakeSlabsOfAnotherForm "slab: the backend's can_make_slabs is not `bool can_make_slabs\\("
  "-DCAN_MAKE_SLABS=int can_make_slabs(const slab::Geometry&, std::size_t) noexcept { return 1\\; }")
add_test(NAME CompileFail.NothingIsWrongWithAHandlerThatCannotThrow
  COMMAND ${compile_fail_command} -DON_MISUSE=noexcept)
refuses(HandlerMayThrow "slab: Policy::on_misuse must be noexcept" "-DON_MISUSE= ")
refuses(HandlerMayThrow.DynamicCache "slab: Policy::on_misuse must be noexcept" -DDYNAMIC "-DON_MISUSE= ")
set(red_zone -DRED_ZONE_OF=slab::Checked -DRED_ZONE_BYTES=)
add_test(NAME CompileFail.NothingIsWrongWithARedZone COMMAND ${compile_fail_command} ${red_zone}16)
refuses(GuardsWithoutChecks "slab: red_zone_bytes, [^\n]* need Policy::checks" -DRED_ZONE_OF=slab::Unchecked
  -DRED_ZONE_BYTES=16)
refuses(RedZoneTooLarge "slab: Policy::red_zone_bytes is more than a slab can have" ${red_zone}0x40000001)
refuses(ObjectTooLarge.WithItsRedZone "slab: ObjectTooLarge: not one T fits" -DOBJECT_SIZE=4096 ${red_zone}4096)
refuses(CopyOfACache "deleted" -DCOPY)
refuses(MoveOfACache "deleted" -DMOVE)

# Pointers of another size than 8 bytes; -m32 would want headers that not every system has.
refuses(TargetIsNot64Bit "slab: the target is not 64-bit" -U__SIZEOF_POINTER__ -D__SIZEOF_POINTER__=4)

# A kernel that includes what needs an operating system is told so.
add_test(NAME CompileFail.HostedHeaderInAFreestandingProgram
  COMMAND ${compile_fail_command} -ffreestanding -I ${PROJECT_SOURCE_DIR}/allocator/hosted
    -include slab/hosted/backend.hpp)
set_tests_properties(CompileFail.HostedHeaderInAFreestandingProgram PROPERTIES
  PASS_REGULAR_EXPRESSION "error: [^\n]*slab: <slab/hosted/> needs an operating system")

# Tables of sizes.
list(TRANSFORM compile_fail_command REPLACE "/cache\\.cpp$" "/size_classes.cpp")
add_test(NAME CompileFail.NothingIsWrongWithATableOfSizes COMMAND ${compile_fail_command})
refuses(SizesDescend "slab: the sizes of a table are multiples of 8" "-DSIZES=16, 96, 48")
refuses(SizesAreNoMultiplesOf8 "slab: the sizes of a table are multiples of 8" "-DSIZES=16, 20, 48")
refuses(ClassTooLarge "slab: class_of\\(bytes\\) is not the class" "-DCLASS_OF=sizes[i] <= bytes && i < 2")
refuses(ClassTooSmallBetween "slab: class_of\\(bytes\\) is not the class" "-DCLASS_OF=sizes[i] < bytes && bytes != 40")
refuses(BlockTooSmall "slab: block_size_for\\(size\\) is at least size" "-DBLOCK_SIZE=4096")
refuses(BlockOfNoPages "slab: block_size_for\\(size\\) is at least size" "-DBLOCK_SIZE=size + 8")
refuses(PageRunsThatAreNoConstant "slab: the backend's has_page_runs is not" "-DHAS_RUNS=static bool has_page_runs")
refuses(PageRunsThatAreANumber "slab: the backend's has_page_runs is not"
  "-DHAS_RUNS=static constexpr int has_page_runs = 1")
refuses(SlabsOfOnePageAndOfMore "slab: slab_size_for\\(size\\) is a power of two" "-DSLAB_SIZE=size < 90 ? 4096 : 8192")
refuses(SlabSizeOfATableNoPowerOfTwo "slab: slab_size_for\\(size\\) is a power of two" "-DSLAB_SIZE=12288")
refuses(SizeClasses.BackendLacks.delete_slab_info "lacks `void delete_slab_info\\(" -DLACKING=delete_slab_info)
