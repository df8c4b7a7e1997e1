using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace MambaExt.Cli.Commands;

/// <summary>Options that several commands share, and the readers of option values: each answers a value it cannot take with one sentence.</summary>
internal static class CommonOptions
{
    /// <summary><c>--json</c></summary>
    public static Option<bool> Json() => new("--json") { Description = "Print one JSON document instead of a table." };

    /// <summary><c>--threads T</c></summary>
    public static Option<int> Threads() => Number("--threads", "T", "Threads of the kernels and of libtorch (default: MAMBAEXT_THREADS, else all processors).", 1, 1024);

    /// <summary><c>--first_seed S</c>, beside <c>--seeds</c>.</summary>
    public static Option<int> FirstSeed() => Number("--first_seed", "S", "The first of them (default: 0).", 0, 1_000_000);

    /// <summary>Makes what <c>--threads</c> says, if anything, the threads of this process.</summary>
    public static void Use(this Option<int> threads, ParseResult parsed)
    {
        if (parsed.GetResult(threads) is { Implicit: false })
        {
            Compute.Threads = parsed.GetValue(threads);
        }

        TorchSharp.torch.set_num_threads(Compute.Threads);
    }

    /// <summary>A whole number from <paramref name="low"/> to <paramref name="high"/>.</summary>
    public static Option<int> Number(string name, string help, string description, int low, int high) => new(name)
    {
        Description = description,
        HelpName = help,
        CustomParser = result => Read<int>(result.Tokens[0].Value) is { Good: true } read && read.Value >= low && read.Value <= high
            ? read.Value
            : Refuse<int>(result, name, result.Tokens[0].Value, $"give a whole number from {low} to {high}"),
    };

    /// <summary>A whole number, finite number, word or switch, whose range the library checks.</summary>
    public static Option<T> Value<T>(string name, string description)
        where T : IParsable<T>
    {
        bool isSwitch = typeof(T) == typeof(bool);
        string kind = typeof(T) == typeof(int) ? "whole number" : typeof(T) == typeof(double) ? "finite number" : isSwitch ? "true|false" : "word";
        var option = new Option<T>(name) { Description = description, HelpName = isSwitch ? kind : kind.Split(' ')[^1] };
        if (!isSwitch)
        {
            option.CustomParser = result => Read<T>(result.Tokens[0].Value) is { Good: true } read ? read.Value : Refuse<T>(result, name, result.Tokens[0].Value, $"give a {kind}");
        }

        return option;
    }

    /// <summary>One of a few words, without regard to case.</summary>
    public static Option<string> Choice(string name, string description, params IEnumerable<string> words)
    {
        string[] allowed = [.. words];
        return new Option<string>(name)
        {
            Description = description,
            HelpName = string.Join('|', allowed),
            CustomParser = result =>
            {
                string given = result.Tokens[0].Value;
                return allowed.FirstOrDefault(word => word.Equals(given, StringComparison.OrdinalIgnoreCase))
                    ?? Refuse<string>(result, name, given, $"allowed are {string.Join(", ", allowed)}{(NameSuggestion.Nearest(given, allowed) is { } near ? $" (did you mean {near}?)" : "")}");
            },
        };
    }

    /// <summary>The name of a folder.</summary>
    public static Option<string?> Folder(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "DIR",
        CustomParser = result => string.IsNullOrWhiteSpace(result.Tokens[0].Value) ? Refuse<string>(result, name, "", "give a folder") : result.Tokens[0].Value,
    };

    /// <summary>Words apart by spaces or commas.</summary>
    public static Option<string[]> List(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "NAME,...",
        AllowMultipleArgumentsPerToken = true,
        CustomParser = result =>
        {
            string[] words = [.. result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];
            return words.Length > 0 ? words : Refuse<string[]>(result, name, string.Join(' ', result.Tokens.Select(t => t.Value)), "give one or several names, apart by commas");
        },
    };

    /// <summary>The sentence for a value that cannot be taken.</summary>
    public static T? Refuse<T>(ArgumentResult result, string name, string given, string allowed)
    {
        result.AddError($"{name} is '{given}'; {allowed}.");
        return default;
    }

    // A comma would be read as one between thousands, where many people write it before the decimals.
    private static (bool Good, T? Value) Read<T>(string text)
        where T : IParsable<T> =>
        (T.TryParse(text, CultureInfo.InvariantCulture, out T? value) && (value is string || !text.Contains(',')) && value is not double.NaN and not double.PositiveInfinity and not double.NegativeInfinity, value);
}
