// The scripts that `completion SHELL` prints. They make both `kubectl-NAME` and `kubectl NAME` complete, the latter in
// front of whatever completes kubectl already; kubectl 1.26 and later asks kubectl_complete-NAME by itself, where that
// is in PATH.
#include "common/app/complete.h"
#include "common/app/context.h"
#include "common/app/exit_code.h"
#include "common/core/text.h"

#include <algorithm>

namespace holdfast::app {

namespace {

constexpr char kBash[] = R"sh(# bash completion for kubectl @WORD@. Put this line into ~/.bashrc:
#   source <(kubectl @WORD@ completion bash)

# $1: how many words stand before those that are for the plugin.
__holdfast_@NAME@() {
    local line="${COMP_LINE:0:COMP_POINT}" words=() candidates=() output directive partial prefix word
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    words=("${words[@]:$1}")
    output=$(kubectl-@NAME@ __complete "${words[@]}" 2>/dev/null) || return 0
    directive=${output##*:}
    output=${output%:*}
    # Bash itself replaces only what follows the last "=" or ":".
    partial=${words[${#words[@]} - 1]}
    prefix=${partial%"${partial##*[=:]}"}
    while IFS=$'\t' read -r word _; do
        [[ -n $word ]] && candidates+=("${word#"$prefix"}")
    done <<<"$output"
    COMPREPLY=("${candidates[@]}")
    ((directive & 2)) && compopt -o nospace 2>/dev/null
    ((directive & 4)) || compopt -o default 2>/dev/null
    return 0
}

__holdfast_@NAME@_binary() { __holdfast_@NAME@ 1; }
complete -F __holdfast_@NAME@_binary kubectl-@NAME@

__holdfast_@NAME@_before=$(complete -p kubectl 2>/dev/null | sed -n 's/.*-F \([^ ]*\).*/\1/p')
__holdfast_@NAME@_kubectl() {
    if [[ ${COMP_WORDS[1]} == "@WORD@" && $COMP_CWORD -ge 2 ]]; then
        __holdfast_@NAME@ 2
    elif [[ -n $__holdfast_@NAME@_before ]]; then
        "$__holdfast_@NAME@_before" "$@"
    fi
}
[[ $__holdfast_@NAME@_before == __holdfast_@NAME@_kubectl ]] || complete -o default -F __holdfast_@NAME@_kubectl kubectl
)sh";

constexpr char kZsh[] = R"sh(#compdef kubectl-@NAME@
# zsh completion for kubectl @WORD@. Put this line into ~/.zshrc, after compinit:
#   source <(kubectl @WORD@ completion zsh)

# $1: the first word that is for the plugin.
__holdfast_@NAME@() {
    local output directive line
    local -a plain described
    output=$(kubectl-@NAME@ __complete "${(@)words[$1,$CURRENT]}" 2>/dev/null) || return 1
    directive=${output##*:}
    for line in ${(f)"${output%:*}"}; do
        plain+=("${line%%$'\t'*}")
        if [[ $line == *$'\t'* ]]; then
            described+=("${line%%$'\t'*}  -- ${line#*$'\t'}")
        else
            described+=("$line")
        fi
    done
    if (( ${#plain} )); then
        if (( directive & 2 )); then
            compadd -S '' -l -d described -- "${plain[@]}"
        else
            compadd -l -d described -- "${plain[@]}"
        fi
    elif (( ! (directive & 4) )); then
        _files
    fi
}

__holdfast_@NAME@_binary() { __holdfast_@NAME@ 2 }
compdef __holdfast_@NAME@_binary kubectl-@NAME@

if [[ ${_comps[kubectl]} != __holdfast_@NAME@_kubectl ]]; then
    __holdfast_@NAME@_before=${_comps[kubectl]}
fi
__holdfast_@NAME@_kubectl() {
    if [[ ${words[2]} == "@WORD@" && $CURRENT -ge 3 ]]; then
        __holdfast_@NAME@ 3
    elif [[ -n $__holdfast_@NAME@_before ]]; then
        $__holdfast_@NAME@_before "$@"
    else
        _files
    fi
}
compdef __holdfast_@NAME@_kubectl kubectl
)sh";

constexpr char kFish[] = R"sh(# fish completion for kubectl @WORD@. Put it where fish looks:
#   kubectl @WORD@ completion fish > ~/.config/fish/completions/kubectl-@NAME@.fish
#   and in config.fish: source ~/.config/fish/completions/kubectl-@NAME@.fish

# $argv[1]: the first word that is for the plugin.
function __holdfast_@NAME@
    set -l words (commandline -opc)
    set -l partial (commandline -ct)
    set -l output (kubectl-@NAME@ __complete $words[$argv[1]..-1] "$partial" 2>/dev/null)
    or return
    set -l directive (string replace ':' '' -- $output[-1])
    set -e output[-1]
    if test (count $output) -gt 0
        printf '%s\n' $output
    else if test (math "floor($directive / 4) % 2") -eq 0
        __fish_complete_path "$partial"
    end
end

function __holdfast_@NAME@_meant
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = @WORD@
end

complete -c kubectl-@NAME@ -f -a '(__holdfast_@NAME@ 2)'
complete -c kubectl -n __holdfast_@NAME@_meant -f -a '(__holdfast_@NAME@ 3)'
)sh";

constexpr char kKubectl[] = R"sh(#!/bin/sh
# kubectl_complete-@NAME@: kubectl 1.26 and later runs this to complete `kubectl @WORD@`. Save it under that name in a
# directory of PATH and make it executable.
exec kubectl-@NAME@ __complete "$@"
)sh";

std::string filled(std::string text, const std::string& mark, const std::string& value) {
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + value.size()))
        text.replace(at, mark.size(), value);
    return text;
}

int run_completion(Context& context, const Arguments& arguments) {
    const std::string& shell = arguments.positionals.front();
    const std::string script = completion_script(context.plugin().name, shell);
    if (!script.empty()) {
        context.console().out(script);
        return kDone;
    }
    return context.fail({ErrorKind::kUsage, "no completion for \"" + escape_line(shell) +
                                                "\": the shells are bash, zsh, fish and kubectl"});
}

}  // namespace

std::string completion_script(const std::string& plugin, const std::string& shell) {
    std::string text = shell == "bash"      ? kBash
                       : shell == "zsh"     ? kZsh
                       : shell == "fish"    ? kFish
                       : shell == "kubectl" ? kKubectl
                                            : "";
    std::string name = plugin;
    std::replace(name.begin(), name.end(), '-', '_');  // kubectl pvc-expand is kubectl-pvc_expand
    return filled(filled(std::move(text), "@NAME@", name), "@WORD@", plugin);
}

Command completion_command() {
    Command command;
    command.name = "completion";
    command.summary = "Print a completion script for a shell, or the shim that kubectl itself runs";
    command.description =
        "bash, zsh and fish: a script to be sourced. kubectl: the program kubectl_complete-NAME, which kubectl 1.26 "
        "and later runs when it "
        "is in PATH; `make install` puts it there.";
    command.usage = "bash|zsh|fish|kubectl";
    command.positionals_min = command.positionals_max = 1;
    command.completes = {Completes::kShell};
    command.examples = {
        {"For this bash", "source <(kubectl snap completion bash)"},
        {"For every shell that completes kubectl",
         "kubectl snap completion kubectl > ~/bin/kubectl_complete-snap && chmod +x ~/bin/kubectl_complete-snap"}};
    command.read = run_completion;
    return command;
}

}  // namespace holdfast::app
