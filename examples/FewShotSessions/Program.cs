// Classes that come a few at a time: a backbone learns four digits, then two more come in each session with five images of each. What does
// a method keep of the old ones, and what does it learn of the new ones?
using MambaExt.Fscil;
using MambaExt.Fscil.Experiments;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Recipes;
using MambaExt.Training;
using static TorchSharp.torch;

FscilData data = FscilDataSets.Load(new FscilDataOptions("digits"))(0);
Console.WriteLine(data.Summary);
FscilRecipe recipe = FscilRecipes.For("cpu", data.Name, data.Train.Channels, data.Train.Size, data.Protocol.ClassCount);
recipe = recipe with { training = recipe.training with { epochs = 10 } };

// The base session, once for all methods.
(BaseNetwork network, TrainingOutcome outcome) = BaseTrainer.Run(data, recipe, data.Protocol.ClassCount, seed: 0, new TransientHost());
Console.WriteLine($"base session: {outcome.Best!.Value.Score:p1} of the base images that were kept to choose by, epoch {outcome.BestEpoch}");
using (network)
using (FscilFeatures features = FeatureExtractor.Run(data, recipe, network, seed: 0))
{
    foreach (string name in new[] { FscilMethods.Best, "mamba-fscil", "nc-fscil", "ncm-cosine" })
    {
        manual_seed(0);
        using FscilMethod method = FscilMethods.Create(name, recipe, features.Size, data.Protocol.ClassCount);
        FscilRun run = SessionRunner.Run(method, features, seed: 0, new TransientHost());
        string sessions = string.Join(", ", run.scores!.sessions.Select(s => s.novel is { } novel ? $"{s.@base:f1} / {novel:f1}" : $"{s.@base:f1}"));
        Console.WriteLine($"{name,-12} base / novel after each session: {sessions}; harmonic mean {run.scores.harmonic_mean:f1}");
    }
}
