#pragma once

#include <map>
#include <string>
#include <string_view>

namespace slabproof {

/// Which parts of a text are wanted, by name.
using Parts = std::map<std::string, bool, std::less<>>;
/// Words that stand for others.
using Values = std::map<std::string, std::string, std::less<>>;

/// The lines of `text` that are wanted: a line "@if NAME" leaves out what follows, up to "@else" or "@end", unless the
/// part of that name is wanted; "@if !NAME" if it is. They nest. "@NAME|" before a line is such an @if for it alone. Of
/// blank lines one is left. Then `$NAME$` is replaced by the value of that name. Requires that each name is known.
std::string selected(std::string_view text, const Parts& parts, const Values& values = {});

}  // namespace slabproof
