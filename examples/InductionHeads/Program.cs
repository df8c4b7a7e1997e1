// Induction heads: a sequence of random tokens, in which one token is a trigger; what followed it must be said when the trigger comes
// again, as the last token. Trained at length 64 alone, asked at 64 and at 512; every seed is printed.
using System.Diagnostics;
using MambaExt;
using MambaExt.Blocks;
using MambaExt.Models;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

const int Vocabulary = 16, Trigger = Vocabulary - 1, Short = 64, Long = 512, Batch = 48, Steps = 800, Asked = 384;
foreach (string kind in args.Length > 0 ? args : ["mamba", "mamba2"])
{
    for (ulong seed = 1; seed <= 3; seed++)
    {
        long start = Stopwatch.GetTimestamp();
        manual_seed((long)seed);
        using LanguageModel model = Make(kind);
        ulong own = seed;
        Trainer.Run(
            new TrainingTask<(long[,] Tokens, long[] Answers)>
            {
                Model = model,
                Batches = new ShuffledBatches<(long[,], long[])>(Steps * Batch, Batch, seed, (epoch, samples) => Draw(own, samples.Span, Short)),
                Loss = batch => nn.functional.cross_entropy(model.forward(tensor(batch.Tokens)).select(1, -1), tensor(batch.Answers)),
            },
            new TrainingOptions { epochs = 1, learning_rate = 2e-3, weight_decay = 0.01, warmup_steps = 20 });
        Console.WriteLine(
            $"{kind}, seed {seed}: {Accuracy(model, own, Short):p1} at length {Short}, {Accuracy(model, own, Long):p1} at length {Long}, {Stopwatch.GetElapsedTime(start).TotalSeconds:f0} s");
    }
}

static LanguageModel Make(string kind) => kind switch
{
    "mamba" => new MambaLm(new MambaLmOptions(2, Vocabulary, new MambaOptions(64))),
    "mamba2" => new Mamba2Lm(new Mamba2LmOptions(2, Vocabulary, new Mamba2Options(64) { d_state = 32, headdim = 16 })),
    _ => throw new ArgumentException($"There is no model '{kind}'; give mamba, mamba2, or none for both."),
};

static double Accuracy(LanguageModel model, ulong seed, int length)
{
    using IDisposable _ = no_grad();
    long right = 0;
    for (int first = 0; first < Asked; first += Batch)
    {
        using DisposeScope scope = NewDisposeScope();

        // Samples that no training batch has.
        var (tokens, answers) = Draw(seed, [.. Enumerable.Range((Steps * Batch) + first, Batch)], length);
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
