// Induction heads (Gu and Dao, "Mamba", arXiv 2312.00752, section 4.1.2): among random tokens one is a trigger; what followed it must be
// said when the trigger comes again, as the last token. Trained at length 64 alone, asked at 64 and at 512; every seed is printed.
// Arguments: models (mamba, mamba2), then training steps, then seeds; without any, both models, 800 steps, 3 seeds.
using System.Diagnostics;
using System.Globalization;
using MambaExt;
using MambaExt.Blocks;
using MambaExt.Models;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

const int Vocabulary = 16, Trigger = Vocabulary - 1, Short = 64, Long = 512, Batch = 48, Asked = 384;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string[] kinds = [.. args.TakeWhile(a => a is "mamba" or "mamba2")], counts = args[kinds.Length..];
if (counts.Length > 2 || !counts.All(a => int.TryParse(a, out int count) && count is > 0 and <= 1_000_000))
{
    Console.Error.WriteLine($"The arguments are '{string.Join(' ', args)}'; give mamba, mamba2 or both, then training steps, then seeds (1 to 1000000 each), or leave them out.");
    return 1;
}

int steps = counts.Length > 0 ? int.Parse(counts[0]) : 800, seeds = counts.Length > 1 ? int.Parse(counts[1]) : 3;
foreach (string kind in kinds.Length > 0 ? kinds : ["mamba", "mamba2"])
{
    double best = 0;
    for (int seed = 1; seed <= seeds; seed++)
    {
        long start = Stopwatch.GetTimestamp();
        manual_seed(seed);
        using LanguageModel model = Make(kind);
        ulong own = (ulong)seed;
        Trainer.Run(
            new TrainingTask<(long[,] Tokens, long[] Answers)>
            {
                Model = model,
                Batches = new ShuffledBatches<(long[,], long[])>(steps * Batch, Batch, own, (epoch, samples) => Draw(own, samples.Span, Short)),
                Loss = batch => nn.functional.cross_entropy(model.forward(tensor(batch.Tokens)).select(1, -1), tensor(batch.Answers)),
            },
            new TrainingOptions { epochs = 1, learning_rate = 1e-3, weight_decay = 0.01, warmup_steps = 20 });
        double near = Accuracy(model, own, Short), far = Accuracy(model, own, Long);
        best = Math.Max(best, far);
        Console.WriteLine($"{kind}, seed {seed}: {near:p1} at length {Short}, {far:p1} at length {Long}, {Stopwatch.GetElapsedTime(start).TotalSeconds:f0} s");
    }

    Console.WriteLine($"{kind}, best of {seeds}: {best:p1} at length {Long}");
}

return 0;

static LanguageModel Make(string kind) => kind == "mamba"
    ? new MambaLm(new MambaLmOptions(2, Vocabulary, new MambaOptions(64)))

    // A state that decays fast is enough at length 64. With rates up to the published 16 most heads start as such.
    : new Mamba2Lm(new Mamba2LmOptions(2, Vocabulary, new Mamba2Options(64) { d_state = 32, headdim = 16, A_init_max = 4 }));

double Accuracy(LanguageModel model, ulong seed, int length)
{
    using IDisposable _ = no_grad();
    long right = 0;
    for (int first = 0; first < Asked; first += Batch)
    {
        using DisposeScope scope = NewDisposeScope();

        // Samples that no training batch has.
        var (tokens, answers) = Draw(seed, [.. Enumerable.Range((steps * Batch) + first, Batch)], length);
        right += (model.forward(tensor(tokens)).select(1, -1).argmax(1) == tensor(answers)).sum().item<long>();
    }

    return (double)right / Asked;
}

// A sample is a function of its seed and number alone.
static (long[,] Tokens, long[] Answers) Draw(ulong seed, ReadOnlySpan<int> samples, int length)
{
    var tokens = new long[samples.Length, length];
    var answers = new long[samples.Length];
    for (int i = 0; i < samples.Length; i++)
    {
        var random = new Random((int)CounterRandom.ForKey(seed, RandomStream.Batches, samples[i], draw: length));
        for (int t = 0; t < length; t++)
        {
            tokens[i, t] = random.Next(Trigger);
        }

        int at = random.Next(length - 3);
        tokens[i, at] = tokens[i, length - 1] = Trigger;
        answers[i] = tokens[i, at + 1];
    }

    return (tokens, answers);
}
