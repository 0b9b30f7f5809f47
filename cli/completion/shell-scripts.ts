/** The shells that there is a script for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** One of these shells. */
export type Shell = (typeof SHELLS)[number];

/** What each shell has to evaluate. All of them ask `nexus completion words`, and offer files where that says nothing. */
export const SHELL_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_nexus() {
  local IFS=$'\\n'
  COMPREPLY=($(nexus completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _nexus nexus
`,
  zsh: `#compdef nexus
_nexus() {
  local -a found
  found=(\${(f)"$(nexus completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#found} )); then
    compadd -a found
  else
    _files
  fi
}
compdef _nexus nexus
`,
  fish: `function __nexus_complete
    set -l found (nexus completion words -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
    if test (count $found) -gt 0
        string join \\n $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c nexus -f -a '(__nexus_complete)'
`,
};
