// Reads a trained model from its folder and predicts the classes of the vertices of a graph, the one of the example OwnGraph here, which writes such a folder;
// `mambaext graph train` writes the same kind, RUN/models/NAME. No training code runs and no data set is needed.
//
//     dotnet run -c Release --project examples/Prediction [MODEL folder] [edges.csv] [features.csv]
using MambaExt.Graph.DataSets.Own;
using MambaExt.Graph.Training;

string folder = args.Length > 0 ? args[0] : Path.Combine(Path.GetTempPath(), "mambaext-town");
string town = Path.Combine(AppContext.BaseDirectory, "town");
string edges = args.Length > 1 ? args[1] : Path.Combine(town, "friendships.csv");
string features = args.Length > 2 ? args[2] : Path.Combine(town, "people.csv");
if (!Directory.Exists(folder))
{
    Console.Error.WriteLine($"There is no model in '{folder}'; run examples/OwnGraph first, or name a model folder.");
    return 1;
}

// README: prediction
using NodeClassifier model = NodeClassifier.Load(folder);
OwnVertices graph = OwnGraph.LoadVertices(new OwnGraphFiles(edges) { Features = features });
float[][] probabilities = model.Predict(graph.Graph, graph.Features);   // a row a vertex, a column a class
for (int v = 0; v < probabilities.Length; v++)
{
    int best = Array.IndexOf(probabilities[v], probabilities[v].Max());
    Console.WriteLine($"{graph.VertexNames?[v] ?? $"{v}"}: {model.Labels[best]} ({probabilities[v][best]:p0})");
}

// End of README: prediction
return 0;
