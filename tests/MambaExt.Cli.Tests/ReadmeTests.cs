using System.CommandLine;
using System.Text.RegularExpressions;

namespace MambaExt.Cli.Tests;

/// <summary>What the README shows is what there is.</summary>
public partial class ReadmeTests
{
    internal static readonly string Root = FindRoot();
    private static readonly string Readme = Read("README.md");

    [Fact]
    public void Quoted_code_is_the_code_of_the_examples()
    {
        MatchCollection quotes = Quote().Matches(Readme);
        Assert.Equal(4, quotes.Count);
        Assert.All(quotes, quote =>
        {
            string program = Read(quote.Groups["file"].Value), name = quote.Groups["name"].Value;
            string part = program.Split($"// README: {name}\n")[1].Split($"// End of README: {name}")[0];
            Assert.Equal(part.Trim('\n'), quote.Groups["code"].Value.Trim('\n'));
        });
    }

    [Fact]
    public void Every_command_is_understood()
    {
        string[] lines = [.. Readme.Split('\n').Where(line => line.StartsWith("mambaext ", StringComparison.Ordinal)).Select(line => line["mambaext ".Length..])];
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Empty(CommandLine.Parse(line.Split(' ')).Errors));
        string first = Assert.Single(Readme.Split('\n'), line => line.StartsWith("dotnet run ", StringComparison.Ordinal));
        Assert.Empty(CommandLine.Parse(first.Split(" -- ")[1].Split(' ')).Errors);
        Assert.True(File.Exists(Path.Combine(Root, "src", "MambaExt.Cli", "MambaExt.Cli.csproj")));
    }

    [Theory]
    [InlineData("graph/README.md")]
    public void Readme_of_a_module_quotes_code_and_commands_that_there_are(string file)
    {
        string readme = Read(file);
        MatchCollection quotes = Quote().Matches(readme);
        Assert.NotEmpty(quotes);
        Assert.All(quotes, quote => Assert.Equal(
            Read(quote.Groups["file"].Value).Split($"// README: {quote.Groups["name"].Value}\n")[1].Split($"// End of README: {quote.Groups["name"].Value}")[0].Trim('\n'),
            quote.Groups["code"].Value.Trim('\n')));
        string[] lines = [.. readme.Split('\n').Where(line => line.StartsWith("mambaext ", StringComparison.Ordinal)).Select(line => line["mambaext ".Length..])];
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Empty(CommandLine.Parse(line.Split(' ')).Errors));
    }

    [Fact]
    public void Keys_of_the_contract_are_those_of_the_golden_documents()
    {
        foreach ((string command, string golden) in new[] { ("graph train", "graph-train.txt"), ("verify", "verify.txt"), ("bench scan", "bench-scan.txt"), ("bench graph", "bench-graph.txt"), ("report", "report.txt"), ("data list", "data-list.txt"), ("data check", "data-check.txt"), ("data get", "data-get.txt") })
        {
            string row = Readme.Split('\n').Single(line => line.StartsWith($"| `{command}` |", StringComparison.Ordinal));
            string[] keys = [.. Key().Matches(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", golden))).Select(m => m.Groups[1].Value)];
            Assert.NotEmpty(keys);
            Assert.All(keys, key => Assert.Matches($@"\b{key}\b", row));
        }
    }

    private static string Read(string path) => File.ReadAllText(Path.Combine(Root, path)).ReplaceLineEndings("\n");

    private static string FindRoot()
    {
        DirectoryInfo folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "MambaExt.sln")))
        {
            folder = folder.Parent ?? throw new DirectoryNotFoundException("The tests run outside of their repository.");
        }

        return folder.FullName;
    }

    [GeneratedRegex(@"<!-- code: (?<file>\S+) (?<name>\w+) -->\n```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Quote();

    [GeneratedRegex(@"^ *(\w+):", RegexOptions.Multiline)]
    private static partial Regex Key();
}
