// Compares the formulas that z3 is given with the allocator's own functions.
//
// usage: formulas_agree [POINTS [SEED]]   at so many points each: 200,000
//        formulas_agree --at NAME INPUT…  shows both there
//        formulas_agree --every           what is true in each of finitely many cases
//
// exit: 0 they agree, 1 they differ, of which the first point is shown, 2 wrong arguments

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "proofs/formulas.hpp"

#include "properties/proofs/real_functions.hpp"

namespace proofs {
namespace {

struct Subject {
  const char* name;
  void (*draw)(Random&, Word*);
  void (*real)(const Word*, Word*);
};
template <class T>
constexpr Subject subject(const char* name) {
  return {name, T::draw, T::real};
}
constexpr Subject subjects[] = {
    subject<Make>("make"),
    subject<Locate>("locate"),
    subject<MisuseAt>("misuse_at"),
    subject<ExactQuotient>("exact_quotient"),
    subject<LinksSeal>("links_seal"),
    subject<SlotsSeal>("slots_seal"),
    subject<SetMember>("set_member"),
    subject<ClassOf>("class_of"),
    subject<LargeClassOf>("large_class_of"),
    subject<SizeOf>("size_of"),
    subject<UsableSize>("usable_size"),
    subject<SlabSizeFor>("slab_size_for"),
    subject<RunSizeFor>("run_size_for"),
    subject<Reserve>("reserve"),
    subject<Addresses>("addresses"),
    subject<RegionClass>("region_class_of"),
    subject<RegionLargest>("region_largest_slab"),
    subject<RegionFirstBlock>("region_frontier"),
    subject<RegionFreshPage>("region_fresh_page"),
};
constexpr std::size_t most_words = 10;

const Subject* subject_of(const Formula& formula) {
  for (const Subject& one : subjects)
    if (std::strcmp(one.name, formula.name) == 0) return &one;
  return nullptr;
}

void show(const Formula& formula, const Word* in, const Word* real, const Word* computed) {
  std::printf("%s of", formula.name);
  for (std::size_t i = 0; i < formula.inputs; ++i)
    std::printf("%s %s=%llu", i == 0 ? "" : ",", formula.input_names[i], static_cast<unsigned long long>(in[i]));
  for (std::size_t i = 0; i < formula.outputs; ++i)
    std::printf("\n  %s: C++ %llu, formula %llu", formula.output_names[i], static_cast<unsigned long long>(real[i]),
                static_cast<unsigned long long>(computed[i]));
  std::printf("\n");
}

bool agrees(const Formula& formula, const Subject& one, Word points, Word seed) {
  Random random{seed};
  Word in[most_words] = {}, real[most_words] = {}, computed[most_words] = {};
  for (Word i = 0; i < points; ++i) {
    one.draw(random, in);
    one.real(in, real);
    formula.compute(in, computed);
    if (std::memcmp(real, computed, formula.outputs * sizeof(Word)) == 0) continue;
    std::printf("does not agree: ");
    show(formula, in, real, computed);
    return false;
  }
  return true;
}

bool constants_agree() {
  const auto real = [](const char* name) -> Word {
    const auto is = [&](const char* other) { return std::strcmp(name, other) == 0; };
    if (is("min_page_size")) return slab::Geometry::min_page_size;
    if (is("max_slab_size")) return slab::Geometry::max_slab_size;
    if (is("slab_info_header_size")) return slab::Geometry::slab_info_header_size;
    if (is("slab_info_size")) return sizeof(slab::SlabInfo);
    if (is("first_seal_key")) return slab::detail::first_seal_key;
    if (is("region_page_size")) return Region::min_page_size;
    if (is("region_max_size")) return Region::max_size;
    if (is("region_classes")) return open(RegionClassOf{})(slab::Geometry::max_slab_size) + 1;
    // static_assert in Geometry::make(), and two callers.
    if (is("most_added_bytes")) return slab::Geometry::max_slab_size + 2 * sizeof(void*);
    return ~Word{0};
  };
  for (const Constant& one : constants)
    if (real(one.name) != one.value) {
      std::printf("does not agree: %s: C++ %llu, formulas %llu\n", one.name,
                  static_cast<unsigned long long>(real(one.name)), static_cast<unsigned long long>(one.value));
      return false;
    }
  return true;
}

bool compare(Word points, Word seed) {
  if (!constants_agree()) return false;
  std::size_t compared = 0;
  for (const Formula& formula : formulas) {
    const Subject* const one = subject_of(formula);
    if (!one) {
      std::printf("does not agree: no function of the allocator is known for the formula %s\n", formula.name);
      return false;
    }
    if (!agrees(formula, *one, points, seed)) return false;
    ++compared;
  }
  if (compared != std::size(subjects)) {
    std::printf("does not agree: %zu formulas, but %zu functions\n", compared, std::size(subjects));
    return false;
  }
  std::printf("%zu formulas agree with the allocator's functions at %llu points each, and %zu constants\n", compared,
              static_cast<unsigned long long>(points), std::size(constants));
  return true;
}

int at(const char* name, const char* const* words, std::size_t count) {
  for (const Formula& formula : formulas) {
    if (std::strcmp(formula.name, name) != 0 || count != formula.inputs) continue;
    Word in[most_words] = {}, real[most_words] = {}, computed[most_words] = {};
    for (std::size_t i = 0; i < count; ++i) in[i] = std::strtoull(words[i], nullptr, 10);
    subject_of(formula)->real(in, real);
    formula.compute(in, computed);
    show(formula, in, real, computed);
    return std::memcmp(real, computed, formula.outputs * sizeof(Word)) == 0 ? 0 : 1;
  }
  std::fprintf(stderr, "formulas_agree: no formula %s has %zu inputs\n", name, count);
  return 2;
}

bool every_key() {
  for (std::uint32_t key = 0; key < 65536; ++key) {
    const std::uint16_t next = slab::detail::next_seal_key(static_cast<std::uint16_t>(key));
    if (next >> 8 != (next & 0xFF) && next != key) continue;
    std::printf("does not hold: the key after %u is %u\n", key, next);
    return false;
  }
  std::uint16_t key = slab::detail::first_seal_key;
  std::size_t length = 0;
  do key = slab::detail::next_seal_key(key), ++length;
  while (key != slab::detail::first_seal_key && length < 65536);
  if (length < 16000 || length > 16384 || key >> 8 == (key & 0xFF)) {
    std::printf("does not hold: the first key comes again after %zu\n", length);
    return false;
  }
  std::printf("next_seal_key: 65536 cases; the first key comes again after %zu\n", length);
  return true;
}
bool every_step() {
  using Sizes = slab::KernelSizes;
  for (std::size_t size = 0; size <= 8192; ++size) {
    const std::size_t found = slab::detail::class_of_size<Sizes>(size);
    std::size_t least = 0;
    while (Sizes::size_of(least) < size) ++least;
    if (found == least) continue;
    std::printf("does not hold: %zu bytes are of class %zu, not %zu\n", size, found, least);
    return false;
  }
  std::printf("class_of_steps: 8193 cases\n");
  return true;
}

int main_of(int count, char** words) {
  if (count >= 3 && std::strcmp(words[1], "--at") == 0)
    return at(words[2], words + 3, static_cast<std::size_t>(count - 3));
  if (count == 2 && std::strcmp(words[1], "--every") == 0) return every_key() && every_step() ? 0 : 1;
  const Word points = count > 1 ? std::strtoull(words[1], nullptr, 10) : 200000;
  if (count > 3 || points == 0) {
    std::fprintf(stderr, "formulas_agree: no such option\n");
    return 2;
  }
  return compare(points, count > 2 ? std::strtoull(words[2], nullptr, 10) : 1) ? 0 : 1;
}

}  // namespace
}  // namespace proofs

int main(int count, char** words) { return proofs::main_of(count, words); }
