using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Metrics;
using MambaExt.Runs;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Experiments;

/// <summary>Takes a method through all sessions of a protocol, judges it after each, and keeps a checkpoint behind each.</summary>
public static class SessionRunner
{
    /// <summary>Runs.</summary>
    /// <param name="method">Fresh</param>
    /// <param name="features">Maps of all sessions</param>
    /// <param name="seed">Of orders and mixing</param>
    /// <param name="host">Checkpoints; asked for one to go on from</param>
    /// <param name="judged">Told of each session's scores, once: not again after a resume</param>
    /// <param name="token">Asked after each step</param>
    public static FscilRun Run(FscilMethod method, FscilFeatures features, int seed, ITrainingHost host, Action<SessionScores>? judged = null, CancellationToken token = default)
    {
        var answers = new List<(int[] True, int[] Predicted)>();
        var costs = new List<SessionCost>();
        double baseSeconds = 0;
        if (host.TakeResumed() is { } state)
        {
            using (state)
            {
                baseSeconds = state.Value<double>("base_seconds");
                costs.AddRange(state.Values["costs"].Deserialize<SessionCost[]>()!);
                Load(method, state);
                for (int t = 0; t <= method.Session; t++)
                {
                    answers.Add((features.TestClassesUntil(t), [.. state.Tensor($"answers.{t}").data<int>()]));
                }
            }
        }

        for (int t = answers.Count; t < features.Protocol.Sessions.Count; t++)
        {
            token.ThrowIfCancellationRequested();
            PeakMemory.Reset();
            long start = Stopwatch.GetTimestamp();
            using (DisposeScope scope = NewDisposeScope())
            {
                // What a session draws from torch's generator belongs to it alone, so that one after a resume draws the same.
                manual_seed(((long)seed << 16) + t);
                var context = new MethodContext(seed, Token: token);
                if (t == 0)
                {
                    method.LearnBase(features, context);
                }
                else
                {
                    method.Learn(features.Shots[t - 1], features.Protocol.Sessions[t].ClassCount, context);
                }
            }

            double learned = Stopwatch.GetElapsedTime(start).TotalSeconds;
            answers.Add((features.TestClassesUntil(t), Predict(method, features, t)));
            costs.Add(new SessionCost(t, Stopwatch.GetElapsedTime(start).TotalSeconds, PeakMemory.Bytes()));
            baseSeconds = t == 0 ? learned : baseSeconds;
            judged?.Invoke(Last(features, answers));
            if (t + 1 < features.Protocol.Sessions.Count)
            {
                using StateBag bag = Save(method, answers, baseSeconds, costs);
                host.Checkpoint(bag);
            }
        }

        return new FscilRun(method.Name, seed, FscilScores.Of(features.Protocol, answers), null, 0, 0, baseSeconds, costs.Sum(c => c.seconds) - baseSeconds, method.ParameterCount)
        {
            class_means = MainDirections(method), costs = costs,
        };
    }

    /// <summary>The class means along the two directions in which they differ most.</summary>
    private static PlanePoint[] MainDirections(FscilMethod method)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        Tensor means = method.ClassMeans().to(CPU).to_type(ScalarType.Float64);
        if (means.shape[0] < 3 || means.shape[1] < 2)
        {
            return [];
        }

        (Tensor u, Tensor s, Tensor _) = linalg.svd(means - means.mean([0L]), fullMatrices: false);
        double[] flat = (u.narrow(1, 0, 2) * s.narrow(0, 0, 2)).contiguous().data<double>().ToArray();

        // A direction has no sign of its own: the larger side points up.
        double flipX = Sign(0), flipY = Sign(1);
        return [.. Enumerable.Range(0, flat.Length / 2).Select(k => new PlanePoint(Math.Round(flat[2 * k] * flipX, 4), Math.Round(flat[(2 * k) + 1] * flipY, 4)))];

        double Sign(int column) => Enumerable.Range(0, flat.Length / 2).Select(k => flat[(2 * k) + column]).MaxBy(Math.Abs) < 0 ? -1 : 1;
    }

    private static SessionScores Last(FscilFeatures features, List<(int[] True, int[] Predicted)> answers) => FscilScores.Of(features.Protocol, answers).sessions[^1];

    private static int[] Predict(FscilMethod method, FscilFeatures features, int session)
    {
        using DisposeScope scope = NewDisposeScope();
        return method.Predict(features.TestUntil(session));
    }

    private static StateBag Save(FscilMethod method, List<(int[] True, int[] Predicted)> answers, double baseSeconds, IReadOnlyList<SessionCost> costs)
    {
        var bag = new StateBag
        {
            // "step" tells the experiment that a training is under way.
            Values = new JsonObject
            {
                ["step"] = method.Session + 1, ["base_classes"] = method.BaseClasses, ["seen"] = method.Seen, ["session"] = method.Session,
                ["base_seconds"] = baseSeconds, ["costs"] = JsonSerializer.SerializeToNode(costs),
            },
        };
        foreach (var (name, value) in MethodState.Of(method))
        {
            bag.Tensors["method." + name] = value;
        }

        for (int t = 0; t < answers.Count; t++)
        {
            bag.Tensors[$"answers.{t}"] = tensor(answers[t].Predicted);
        }

        return bag;
    }

    private static void Load(FscilMethod method, StateBag bag)
    {
        foreach (var (name, value) in MethodState.Of(method))
        {
            bag.CopyTo("method." + name, value);
        }

        method.Continue(bag.Value<int>("base_classes"), bag.Value<int>("seen"), bag.Value<int>("session"));
    }
}
