using MambaExt.Graph.DataSets;
using MambaExt.Graph.Tests.Support;

namespace MambaExt.Graph.Tests.DataSets;

public class GraphDataSetsTests
{
    [Fact]
    public void Names_are_those_of_the_command_line() => Assert.Equal(
        [
            "cora", "citeseer", "pubmed", "minesweeper", "tolokers", "questions", "roman-empire", "amazon-ratings", "chameleon-filtered", "squirrel-filtered", "actor", "texas", "cornell",
            "wisconsin", "cora-ml", "amazon-photo", "amazon-computers", "coauthor-cs", "coauthor-physics", "cora-gnn-benchmark", "citeseer-gnn-benchmark", "mutag", "proteins", "nci1",
            "imdb-binary", "minesweeper-grid",
        ],
        GraphDataSets.All.Select(info => info.Name));

    [Fact]
    public void Sizes_of_the_registry_are_those_of_the_files()
    {
        string folder = SharedData.Require("data", "graph");
        int read = 0;
        foreach (DataSetPlace place in GraphDataSets.Locate(folder).Where(place => place.IsPresent))
        {
            GraphDataSetInfo info = place.Info;
            GraphDataSetSize size;
            if (info.Task == GraphTask.Graphs)
            {
                GraphDataSet data = GraphDataSets.LoadGraphs(info.Name, folder);
                size = new GraphDataSetSize(data.Count, data.Packed.Graph.VertexCount, data.Packed.Graph.EdgeCount, data.Packed.Features.Columns, data.ClassCount);
            }
            else
            {
                NodeDataSet data = GraphDataSets.Load(info.Name, folder);
                size = new GraphDataSetSize(1, data.Graph.VertexCount, data.Graph.EdgeCount, data.Features.Columns, data.ClassCount);
                Assert.Equal(info.Metric, data.Metric);
            }

            Assert.Equal((info.Name, info.Size), (info.Name, size));
            read++;
        }

        Assert.InRange(read, 13, GraphDataSets.All.Count);
    }

    [Fact]
    public void Every_data_set_can_be_downloaded_or_is_drawn()
    {
        Assert.All(GraphDataSets.All.Where(info => info.Files.Count > 0), info =>
        {
            Assert.All(info.Files, file => Assert.Contains(info.Published, published => published.Name == file));
            Assert.All(info.Published, file => Assert.Equal(Uri.UriSchemeHttps, file.Address!.Scheme));
            Assert.All(info.Published, file => Assert.True(file.Sha256 is null or { Length: 64 }));
        });
        Assert.Equal(["minesweeper-grid"], GraphDataSets.All.Where(info => info.Published.Count == 0).Select(info => info.Name));
    }

    [Fact]
    public void Every_file_at_hand_is_the_published_one()
    {
        foreach (DataSetPlace place in GraphDataSets.Locate(SharedData.Require("data", "graph")).Where(place => place.Folders.Count > 0))
        {
            Assert.All(place.Check(), file => Assert.True(file.Official, $"{place.Info.Name}: {file.Name}"));
            Assert.All(place.Check(), file => Assert.Equal(place.Published(file.Name)!.Bytes, file.Bytes));
        }
    }

    [Fact]
    public void Vertices_and_graphs_are_not_mixed_up()
    {
        OneSentence.Of<ArgumentException>(() => GraphDataSets.Load("mutag"), "mutag", "whole graphs", "cora");
        OneSentence.Of<ArgumentException>(() => GraphDataSets.LoadGraphs("cora"), "cora", "vertices", "mutag");
    }

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
