using System.CommandLine;
using System.Text.RegularExpressions;

namespace MambaExt.Cli.Tests;

/// <summary>What the README shows is what there is.</summary>
public partial class ReadmeTests
{
    internal static readonly string Root = FindRoot();
    private static readonly string Readme = Read("README.md");

    /// <summary>The page of the repository and those of its modules.</summary>
    public static TheoryData<string> Pages => ["README.md", "src/README.md", "graph/README.md", "fscil/README.md", "distill/README.md"];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Quoted_code_is_the_code_of_the_examples(string page)
    {
        string text = Read(page);
        MatchCollection quotes = Quote().Matches(text);
        Assert.Equal(text.Split("<!-- code: ").Length - 1, quotes.Count);
        Assert.True(page != "README.md" || quotes.Count >= 4, $"{quotes.Count} quotes");
        Assert.All(quotes, quote =>
        {
            string program = Read(quote.Groups["file"].Value), name = quote.Groups["name"].Value;
            string part = program.Split($"// README: {name}\n")[1].Split($"// End of README: {name}")[0];
            Assert.Equal(part.Trim('\n'), quote.Groups["code"].Value.Trim('\n'));
        });
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_command_is_understood(string page)
    {
        const string Tool = "mambaext ", Source = "dotnet run -c Release --project src/MambaExt.Cli -- ";
        string[] lines = [.. Read(page).Split('\n')
            .Select(line => line.StartsWith(Tool, StringComparison.Ordinal) ? line[Tool.Length..] : line.StartsWith(Source, StringComparison.Ordinal) ? line[Source.Length..] : null)
            .OfType<string>()];
        Assert.True(lines.Length > 0 || page == "src/README.md", "a page without a command");
        Assert.All(lines, line => Assert.Empty(CommandLine.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Errors));
        Assert.True(File.Exists(Path.Combine(Root, "src", "MambaExt.Cli", "MambaExt.Cli.csproj")));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Links_to_files_lead_somewhere(string page)
    {
        string folder = Path.Combine(Root, Path.GetDirectoryName(page)!);
        foreach (Match link in Link().Matches(Read(page)))
        {
            string target = Path.GetFullPath(Path.Combine(folder, link.Groups["path"].Value));
            Assert.True(File.Exists(target) || Directory.Exists(target), $"{page} links to {link.Groups["path"].Value}");
        }
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

    [GeneratedRegex(@"\]\((?!https?:)(?<path>[^)#\s]+)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^ *(\w+):", RegexOptions.Multiline)]
    private static partial Regex Key();
}
