using System.CommandLine;
using System.CommandLine.Parsing;

namespace MambaExt.Cli;

/// <summary>What is said about arguments that cannot be read: one sentence each, and the help only where a command is missing.</summary>
internal static class WrongUse
{
    public static void Write(Command root, ParseResult parsed, TextWriter error)
    {
        string[] path = Path(parsed.CommandResult);
        Command command = parsed.CommandResult.Command;
        if (parsed.UnmatchedTokens.Count > 0)
        {
            // What follows an unknown option is its value, and not a second mistake.
            error.WriteLine(Unknown(parsed.UnmatchedTokens[0], command, string.Join(' ', path)));
        }
        else if (command.Subcommands.Count > 0)
        {
            root.Parse([.. path[1..], "--help"]).Invoke(new InvocationConfiguration { Output = error });
            error.WriteLine($"'{string.Join(' ', path)}' needs a command: {string.Join(", ", command.Subcommands.Select(c => c.Name))}.");
        }
        else
        {
            foreach (ParseError one in parsed.Errors)
            {
                SymbolResult? at = one.SymbolResult is ArgumentResult argument ? argument.Parent : one.SymbolResult;
                error.WriteLine(at is OptionResult { Tokens.Count: 0 } option
                    ? $"{option.Option.Name} needs a value ({option.Option.HelpName}); '{string.Join(' ', path)} --help' describes it."
                    : one.Message);
            }
        }
    }

    private static string Unknown(string given, Command command, string path)
    {
        bool option = given.StartsWith('-');
        string[] known = [.. option ? command.Options.Select(o => o.Name) : command.Subcommands.Select(c => c.Name)];
        string? nearest = NameSuggestion.Nearest(given, known);
        string what = option ? $"no option '{given}'" : known.Length > 0 ? $"no command '{given}'" : $"no place for '{given}'";
        return $"'{path}' has {what}; {(nearest is null ? "" : $"did you mean {nearest}? ")}'{path} --help' lists what it takes.";
    }

    /// <summary>The names that lead to a command, the program's first.</summary>
    private static string[] Path(CommandResult result) =>
        [.. result.Parent is CommandResult parent ? Path(parent) : [], result.Command.Name];
}
