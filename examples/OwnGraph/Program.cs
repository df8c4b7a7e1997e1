// A graph of one's own, from CSV files: 120 people of a town, who is a friend of whom, three numbers about each, and the club that five of six of them
// are known to be in. Trains Graph Mamba and keeps the model as a folder, which the example Prediction reads.
//
//     dotnet run -c Release --project examples/OwnGraph [FOLDER of the three files] [MODEL folder to write]
using MambaExt.Graph.DataSets;
using MambaExt.Graph.DataSets.Own;
using MambaExt.Graph.Models;
using MambaExt.Graph.Training;
using MambaExt.Training;

string folder = args.Length > 0 ? args[0] : Path.Combine(AppContext.BaseDirectory, "town");
string model = args.Length > 1 ? args[1] : Path.Combine(Path.GetTempPath(), "mambaext-town");

// README: own
// Vertices are names; whoever has no line in clubs.csv has no known club, and is in no part of a split.
NodeDataSet data = OwnGraph.Load(new OwnGraphFiles(Path.Combine(folder, "friendships.csv"))
{
    Features = Path.Combine(folder, "people.csv"),
    Labels = Path.Combine(folder, "clubs.csv"),
});
foreach (string line in data.Report)
{
    Console.WriteLine(line);
}

var options = new GraphMambaOptions { d_model = 32, d_state = 8, M = 8, m = 2, mpnn = MessagePassing.Gcn, readout = "mean", dropout = 0.5 };
var training = new NodeTrainingOptions { epochs = 60, patience = 0, learning_rate = 0.01, normalise_features = false };
NodeRun run = NodeTrainer.Run(
    data, options, training, seed: 0, split: 0, save: (network, of) => NodeClassifier.Save(model, network, data, training, of));
Console.WriteLine($"test accuracy {run.test:f1} %, model of epoch {run.best_epoch}: {model}");

// End of README: own
