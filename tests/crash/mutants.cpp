#include "tests/crash/mutants.h"

#include "tests/crash/survivors.h"
#include "tests/crash/world.h"
#include "tests/sim/random.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>

namespace holdfast::crash {
namespace {

using References = std::map<std::string, Reference>;

std::string verdict(const Mutant& mutant, const References& references) {
    const std::string by = caught_by(mutant, references), reason = reason_to_survive(mutant);
    if (by.empty()) return (reason.empty() ? "SURVIVED  " : "listed    ") + mutant.name() + ": " + reason;
    if (!reason.empty()) return "UNLISTED  " + mutant.name() + " is listed as a survivor, and caught by " + by;
    return "caught    " + mutant.name() + " by " + by;
}

std::string text_of(std::FILE* file) {
    std::rewind(file);
    std::string text;
    std::array<char, 65536> buffer{};
    for (std::size_t read = 0; (read = std::fread(buffer.data(), 1, buffer.size(), file)) > 0;)
        text.append(buffer.data(), read);
    return text;
}

// On every processor; the lines in no order.
std::string verdicts(const std::vector<Mutant>& mutants, const References& references) {
    const auto workers = static_cast<std::size_t>(sysconf(_SC_NPROCESSORS_ONLN));
    std::vector<std::FILE*> files;
    std::vector<pid_t> children;
    std::fflush(nullptr);
    for (std::size_t number = 0; number < workers; ++number) {
        files.push_back(std::tmpfile());
        const pid_t child = fork();
        if (child == 0) {
            for (std::size_t i = number; i < mutants.size(); i += workers) {
                const std::string line = verdict(mutants[i], references) + "\n";
                std::fwrite(line.data(), 1, line.size(), files.back());
                std::fflush(files.back());
                std::cerr << line << std::flush;  // as it comes
            }
            _exit(0);
        }
        children.push_back(child);
    }
    std::string all;
    for (std::size_t i = 0; i < workers; ++i) {
        int status = 0;
        waitpid(children[i], &status, 0);
        all += text_of(files[i]);
        std::fclose(files[i]);
    }
    return all;
}

template <class T>
void draw(std::vector<T>& all, std::size_t count, sim::Dice& dice) {
    for (std::size_t i = all.size(); i > 1; --i)
        std::swap(all[i - 1], all[static_cast<std::size_t>(dice.between(0, static_cast<std::int64_t>(i) - 1))]);
    all.resize(std::min(all.size(), count));
}

// What begins with the plugin's own operations: the commands that all plugins have make no plans of their own.
std::vector<const Entry*> lines_of(const MutantChoice& choice, sim::Dice& dice) {
    std::vector<const Entry*> lines;
    for (const Entry& entry : matrix()) {
        if (!entry.plugin.empty()) lines.push_back(&entry);
    }
    // Whatever their plans have in them is known only when they were run.
    if (choice.sample > 0) draw(lines, choice.sample, dice);
    return lines;
}

// "restore in-place no-wait:look-*: ..." -> "no-wait"
std::string kind_in(const std::string& line) {
    const std::size_t at = line.find(" no-");
    return at == std::string::npos ? "" : line.substr(at + 1, line.find(':', at) - at - 1);
}

void tell_table(const std::vector<std::string>& lines) {
    std::map<std::string, std::array<int, 3>> kinds;
    for (const std::string& line : lines) {
        std::array<int, 3>& row = kinds[kind_in(line)];
        ++row[0];
        if (line.starts_with("caught")) ++row[1];
        if (line.starts_with("listed")) ++row[2];
    }
    std::cout << "| taken out | mutants | caught | listed |\n| --- | --- | --- | --- |\n";
    for (const auto& [kind, row] : kinds)
        std::cout << "| " << kind << " | " << row[0] << " | " << row[1] << " | " << row[2] << " |\n";
}

int tell(std::string told, std::size_t mutants) {
    std::vector<std::string> lines;
    for (std::size_t at = 0, end = 0; (end = told.find('\n', at)) != std::string::npos; at = end + 1)
        lines.push_back(told.substr(at, end - at));
    std::sort(lines.begin(), lines.end());
    std::size_t caught = 0, listed = 0;
    for (const std::string& line : lines) {
        std::cout << line << "\n";
        if (line.starts_with("caught")) ++caught;
        if (line.starts_with("listed")) ++listed;
    }
    tell_table(lines);
    // One that gave no line took its worker down: that is a failure too.
    const std::size_t good = caught + listed, bad = mutants - good;
    std::cout << mutants << " mutants: " << caught << " caught, " << listed << " listed with the reason\n";
    std::cout << good << " passed, " << bad << " failed\n";
    return bad == 0 && good > 0 ? 0 : 1;
}

}  // namespace

int run_mutants(std::uint64_t seed, const MutantChoice& choice) {
    sim::Dice dice(choice.sample_seed);
    References references;
    std::vector<Mutant> mutants = find_mutants(make_world(seed), lines_of(choice, dice), references);
    std::erase_if(mutants, [&](const Mutant& one) { return one.name().find(choice.like) == std::string::npos; });
    if (choice.list) {
        for (const Mutant& one : mutants) std::cout << one.name() << "\n";
        return 0;
    }
    const bool whole = choice.sample == 0 && choice.like.empty() && choice.parts == 1;
    if (choice.sample > 0) draw(mutants, choice.sample, dice);
    std::size_t place = 0;
    std::erase_if(mutants, [&](const Mutant&) { return place++ % choice.parts != choice.part; });
    std::string told = verdicts(mutants, references);
    for (const std::string& gone : whole ? listed_without(mutants) : std::vector<std::string>{})
        told += "UNLISTED  " + gone + " is listed as a survivor, and no plan has it\n";
    return tell(std::move(told), mutants.size());
}

}  // namespace holdfast::crash
