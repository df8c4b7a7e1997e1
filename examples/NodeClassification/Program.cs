// Node classification with Graph Mamba on a graph built in code: four communities, features that say little about a vertex
// by itself, and labels that its neighbourhood gives away.
using MambaExt.Data;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Models;
using MambaExt.Graph.Training;
using MambaExt.Training;
using QuikGraph;

const int Communities = 4, Members = 150, Vertices = Communities * Members, Features = 16;
var random = new Random(1);

var edges = new AdjacencyGraph<int, SEdge<int>>();
edges.AddVertexRange(Enumerable.Range(0, Vertices));
for (int i = 0; i < 5 * Vertices; i++)
{
    // Nine edges of ten stay within a community.
    int a = random.Next(Vertices), b = random.NextDouble() < 0.9 ? a / Members * Members + random.Next(Members) : random.Next(Vertices);
    edges.AddEdge(new SEdge<int>(a, b));
}

// README: graph
CsrGraph graph = edges.ToCsrGraph();   // edges: any IEdgeListGraph of QuikGraph
int[] labels = [.. Enumerable.Range(0, Vertices).Select(v => v / Members)];
var data = new NodeDataSet(
    "communities", graph, NodeFeatures.Of(Draw(), Vertices, Features), labels, Communities, [Split()], NodeMetric.Accuracy, DataVariant.Drawn, []);
var model = new GraphMambaOptions { d_model = 32, d_state = 8, M = 4, m = 2, mpnn = MessagePassing.Gcn, mpnn_layers = 2 };
var training = new NodeTrainingOptions { epochs = 60, patience = 0, learning_rate = 0.01, normalise_features = false };
NodeRun run = NodeTrainer.Run(data, model, training, seed: 0, split: 0, new TransientHost(e =>
{
    if (e.Epoch % 10 == 0)
    {
        Console.WriteLine($"epoch {e.Epoch}: loss {e.TrainLoss:f3}, validation {e.Validation!.Value.Score:p1}");
    }
}));
Console.WriteLine($"test accuracy {run.test:f1} % with the model of epoch {run.best_epoch}, {run.seconds:f1} s");

// End of README: graph
// A faint mean per community under loud noise.
float[] Draw()
{
    var features = new float[Vertices * Features];
    for (int i = 0; i < features.Length; i++)
    {
        double noise = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        features[i] = (float)(noise + (i % Features == i / Features / Members ? 1 : 0));
    }

    return features;
}

// 40 labelled vertices a community, 30 to choose the epoch by, the rest to be judged on.
NodeSplit Split()
{
    int[] order = [.. Enumerable.Range(0, Vertices)];
    random.Shuffle(order);
    int[][] own = [.. Enumerable.Range(0, Communities).Select(k => order.Where(v => labels[v] == k).ToArray())];
    return new NodeSplit([.. own.SelectMany(o => o[..40])], [.. own.SelectMany(o => o[40..70])], [.. own.SelectMany(o => o[70..])]);
}
