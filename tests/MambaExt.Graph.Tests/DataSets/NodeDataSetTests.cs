using MambaExt.Data;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Tests.Support;

namespace MambaExt.Graph.Tests.DataSets;

public class NodeDataSetTests
{
    [Fact]
    public void Splits_are_sorted_copies()
    {
        int[] train = [3, 0];
        NodeDataSet data = Of(split: new NodeSplit(train, [1], [2]));
        Assert.Equal([0, 3], data.Splits[0].Train);
        Assert.Equal([3, 0], train);
    }

    [Fact]
    public void Inconsistent_parts_are_refused_in_one_sentence()
    {
        Refuses(() => Of(split: new NodeSplit([0], [1], [5])), "test vertex 5", "0 to 4");
        Refuses(() => Of(split: new NodeSplit([0, 0], [1], [2])), "vertex 0", "train");
        Refuses(() => Of(split: new NodeSplit([0], [1, 2], [2])), "vertex 2", "validation", "test");
        Refuses(() => Of(split: new NodeSplit([0], [1], [4])), "test vertex 4", "no label");
        Refuses(() => Of(split: new NodeSplit([0], [], [2])), "no validation");
        Refuses(() => Of(labels: [0, 1, 2, 0, -1]), "Vertex 2", "label 2");
        Refuses(() => Of(labels: [0, 1]), "2 labels");
        Refuses(() => Of(classes: 3), "3 classes", "ROC AUC");
        Refuses(() => _ = new NodeDataSet("toy", TestGraphs.Cycle(5), Features(), [0, 1, 0, 1, 0], 2, [], NodeMetric.Accuracy, DataVariant.Drawn, []), "no split");
        OneSentence.Of<ArgumentException>(() => NodeFeatures.Of(new float[5], 2, 3), "5 features", "2 rows of 3");

        static void Refuses(Action action, params string[] mentions) => OneSentence.Of<InvalidDataException>(action, mentions);
    }

    [Fact]
    public void Dense_features_normalise_too()
    {
        NodeFeatures features = NodeFeatures.Of([1, -3, 0, 0], 2, 2).RowNormalised();
        Assert.Equal([0.25f, -0.75f, 0, 0], features.Dense!);
        Assert.Equal(2, features.NonZeroCount);
    }

    private static NodeDataSet Of(int[]? labels = null, NodeSplit? split = null, int classes = 2) => new(
        "toy", TestGraphs.Cycle(5), Features(), labels ?? [0, 1, 0, 1, -1], classes, [split ?? new NodeSplit([0], [1], [2])], NodeMetric.RocAuc, DataVariant.Drawn, []);

    private static NodeFeatures Features() => NodeFeatures.Of(new float[10], 5, 2);
}
