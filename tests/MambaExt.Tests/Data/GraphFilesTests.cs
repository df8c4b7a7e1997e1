using MambaExt.Data;
using MambaExt.Tests.Shared;
using Xunit;

namespace MambaExt.Tests.Data;

/// <summary>Real data files, against the counts their README states.</summary>
public sealed class GraphFilesTests
{
    [Theory]
    [InlineData("cora", 49_216, 1_433, 2_708, 140, 7)]
    [InlineData("citeseer", 105_165, 3_703, 3_327, 120, 6)]
    public void Planetoid_files_read_with_their_counts(string name, int nonZeros, int features, int nodes, int train, int classes)
    {
        string folder = SharedData.Require("data", "graph", "planetoid");
        object? Read(string part) => PickleReader.Read(Path.Combine(folder, $"ind.{name}.{part}"));
        SparseCsr all = Assert.IsType<SparseCsr>(Read("allx")), test = Assert.IsType<SparseCsr>(Read("tx")), x = Assert.IsType<SparseCsr>(Read("x"));

        Assert.Equal(nonZeros, all.Indices.Length + test.Indices.Length);
        Assert.All(new[] { all, test, x }, part => Assert.Equal(features, part.Columns));
        Assert.Equal(1_000, test.Rows);
        Assert.Equal(train, x.Rows);
        Assert.Equal(NpyType.Float32, all.Data.Type);
        foreach ((string part, int rows) in new[] { ("y", train), ("ally", all.Rows), ("ty", 1_000) })
        {
            NpyArray labels = Assert.IsType<NpyArray>(Read(part));
            Assert.Equal([rows, classes], labels.Shape.ToArray());
            Assert.Equal(rows, labels.ToInts().Sum());
        }

        Dictionary<object, object?> graph = Assert.IsType<Dictionary<object, object?>>(Read("graph"));
        Assert.Equal(nodes, graph.Count);
        Assert.All(Enumerable.Range(0, nodes), node => Assert.IsType<List<object?>>(graph[(long)node]));
        HashSet<(long, long)> edges = [.. graph.SelectMany(pair => ((List<object?>)pair.Value!).Select(to => (Math.Min((long)pair.Key, (long)to!), Math.Max((long)pair.Key, (long)to!)))).Where(e => e.Item1 != e.Item2)];
        Assert.Equal(name == "cora" ? 5_278 : 4_552, edges.Count);
    }

    [Theory]
    [InlineData("minesweeper", 10_000, 39_402, 7, 8_000)]
    [InlineData("tolokers", 11_758, 519_000, 10, 9_192)]
    public void Heterophilous_files_read_with_their_counts(string name, int nodes, int edges, int features, int ofClassZero)
    {
        using NpzFile file = NpzFile.Open(SharedData.Require("data", "graph", "heterophilous", $"{name}.npz"));
        Assert.Equal([nodes, features], file["node_features"].Shape.ToArray());
        Assert.Equal(nodes * features, file["node_features"].ToFloats().Length);
        Assert.Equal(ofClassZero, file["node_labels"].ToLongs().Count(label => label == 0));
        Assert.Equal([edges, 2], file["edges"].Shape.ToArray());
        Assert.Equal((0, nodes - 1), (file["edges"].ToInts().Min(), file["edges"].ToInts().Max()));
        Assert.Equal([10, nodes], file["train_masks"].Shape.ToArray());
        Assert.Equal(10 * nodes, new[] { "train_masks", "val_masks", "test_masks" }.Sum(key => file[key].ToBools().Count(set => set)));
    }

    [Theory]
    [InlineData("amazon_photo", "amazon-photo", 7_650, 745, 8, 143_663, 4_590, 1_530, 1_530)]
    [InlineData("coauthor_cs", "coauthor-cs", 18_333, 6_805, 15, 0, 10_999, 3_666, 3_668)]
    public void GraphData_files_read_with_their_counts(string name, string split, int nodes, int features, int classes, int entries, int train, int valid, int test)
    {
        string folder = SharedData.Require("data", "graph", "graphdata");
        using NpzFile file = NpzFile.Open(Path.Combine(folder, $"{name}.npz"));
        SparseCsr adjacency = Assert.IsType<SparseCsr>(file["adj_matrix"].Object), attributes = Assert.IsType<SparseCsr>(file["node_attr"].Object);
        Assert.Equal((nodes, nodes), adjacency.Shape);
        Assert.Equal((nodes, features), attributes.Shape);
        if (entries > 0)
        {
            Assert.Equal(entries, adjacency.Indices.Length);
        }

        Assert.Equal(Enumerable.Range(0, classes), file["node_label"].ToInts().Distinct().Order());
        Dictionary<object, object?> metadata = Assert.IsType<Dictionary<object, object?>>(file["metadata"].Object);
        Assert.NotEmpty(metadata);
        Assert.All(metadata.Values.OfType<NpyArray>(), array => Assert.NotEmpty(array.ToStrings()));

        using NpzFile parts = NpzFile.Open(Path.Combine(folder, $"{split}_split.npz"));
        Assert.Equal([train, valid, test], new[] { "train", "valid", "test" }.Select(key => parts[key].ToLongs().Length));
        Assert.Equal(Enumerable.Range(0, nodes), new[] { "train", "valid", "test" }.SelectMany(key => parts[key].ToInts()).Order());
    }

    [Theory]
    [InlineData("cora", 2_708, 1_433, 49_216, 5_278)]
    [InlineData("citeseer", 3_312, 3_703, 105_165, 4_536)]
    public void GnnBenchmark_files_read_with_their_counts(string name, int nodes, int features, int nonZeros, int edges)
    {
        using NpzFile file = NpzFile.Open(SharedData.Require("data", "graph", "gnn-benchmark", $"{name}.npz"));
        SparseCsr Csr(string part) => SparseCsr.Of(file[$"{part}_data"], file[$"{part}_indices"], file[$"{part}_indptr"], file[$"{part}_shape"].ToLongs(), $"{name} {part}");
        SparseCsr adjacency = Csr("adj"), attributes = Csr("attr");
        Assert.Equal((nodes, features), attributes.Shape);
        Assert.Equal(nonZeros, attributes.Indices.Length);
        HashSet<(int, int)> unique = [];
        for (int row = 0; row < nodes; row++)
        {
            foreach (int column in adjacency.Indices[(int)adjacency.IndPtr[row]..(int)adjacency.IndPtr[row + 1]].Where(column => column != row))
            {
                unique.Add((Math.Min(row, column), Math.Max(row, column)));
            }
        }

        Assert.Equal(edges, unique.Count);
        Assert.Equal(nodes, file["labels"].ToInts().Length);
        Assert.Equal(nodes, file["node_names"].ToStrings().Distinct().Count());
        Assert.DoesNotContain('\0', string.Concat(file["class_names"].ToStrings()));
    }

    [Fact]
    public void GeomGcn_splits_read_as_bools_whatever_their_type()
    {
        string folder = SharedData.Require("data", "graph");
        foreach ((string pattern, string where, int[] counts) in new[]
        {
            ("texas_split*.npz", "geom-gcn/texas", new[] { 87, 59, 37 }),
            ("cora_split*.npz", "planetoid/geom-gcn-splits", [1_192, 796, 497]),
            ("citeseer_split*.npz", "planetoid/geom-gcn-splits", [1_596, 1_065, 666]),
        })
        {
            string[] files = Directory.GetFiles(Path.Combine(folder, where), pattern);
            Assert.Equal(10, files.Length);
            foreach (string path in files)
            {
                // Two of the CiteSeer splits cover only the 2,120 nodes of the largest component.
                bool smaller = Path.GetFileName(path) is "citeseer_split_0.6_0.2_4.npz" or "citeseer_split_0.6_0.2_5.npz";
                using NpzFile file = NpzFile.Open(path);
                Assert.Equal(smaller ? [1_017, 679, 424] : counts, new[] { "train_mask", "val_mask", "test_mask" }.Select(key => file[key].ToBools().Count(set => set)));
            }
        }
    }
}
