using MambaExt.Graph.DataSets;
using MambaExt.Graph.Tests.Support;

namespace MambaExt.Graph.Tests.DataSets;

public class GraphDataSetsTests
{
    [Fact]
    public void Names_are_those_of_the_command_line() => Assert.Equal(
        ["cora", "citeseer", "pubmed", "minesweeper", "tolokers", "questions", "roman-empire", "amazon-ratings", "minesweeper-grid"],
        GraphDataSets.All.Select(info => info.Name));

    [Theory]
    [InlineData("CiteSeer", "citeseer")]
    [InlineData("amazon_ratings", "amazon-ratings")]
    public void Spelling_is_forgiven(string given, string name) => Assert.Equal(name, GraphDataSets.Find(given).Name);

    [Fact]
    public void Unknown_name_lists_the_known_and_suggests_the_nearest()
    {
        OneSentence.Of<ArgumentException>(() => GraphDataSets.Load("coara"), "'coara'", "minesweeper-grid", "did you mean cora?");
        OneSentence.Of<ArgumentException>(() => GraphDataSets.Load("minesweper"), "did you mean minesweeper?");
        Assert.DoesNotContain("did you mean", OneSentence.Of<ArgumentException>(() => GraphDataSets.Load("imagenet")), StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_files_are_named()
    {
        using var folder = new TemporaryFolder();
        OneSentence.Of<FileNotFoundException>(() => GraphDataSets.Load("tolokers", folder.Path), "tolokers.npz", folder.Path);
        folder.Write("a", "ind.cora.x");
        OneSentence.Of<FileNotFoundException>(() => GraphDataSets.Load("cora", folder.Path), "ind.cora.test.index", Path.Combine(folder.Path, "a"));
    }
}
