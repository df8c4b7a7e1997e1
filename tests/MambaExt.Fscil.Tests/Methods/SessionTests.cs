using MambaExt.Fscil.Experiments;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Recipes;
using MambaExt.Fscil.Tests.Support;
using MambaExt.Tests.Shared;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Methods;

public sealed class SessionTests : TensorTests
{
    public static TheoryData<string> Learned => [.. FscilMethods.Names.Where(n => n != FscilMethods.Pixels && n != "fine-tune")];

    [Theory]
    [MemberData(nameof(Learned))]
    public void No_method_collapses_over_the_sessions_in_one_process(string name)
    {
        using FscilFeatures features = Clusters.Features();
        FscilRun run = Run(name, Clusters.Recipe(), features);
        Assert.All(run.scores!.sessions, s => Assert.True(s.overall > 60 && s.@base > 50, $"session {s.session}: {s.overall:f1}, base {s.@base:f1}"));
        Assert.True(run.scores.sessions[^1].novel > 30, $"novel {run.scores.sessions[^1].novel:f1}");
    }

    [Fact]
    public void Fine_tuning_forgets()
    {
        using FscilFeatures features = Clusters.Features();
        FscilRun run = Run("fine-tune", Clusters.Recipe(), features);
        Assert.True(run.scores!.sessions[0].overall > 80);
        Assert.True(run.scores.sessions[^1].@base < 20, $"base {run.scores.sessions[^1].@base:f1}");
    }

    [Fact]
    public void Every_session_leaves_what_the_base_session_has_learned_as_it_is_to_the_bit()
    {
        using FscilFeatures features = Clusters.Features(sessions: 2);
        using var method = (ProjectorMethod)FscilMethods.Create("mamba-fscil", Clusters.Recipe(), features.Size, 10);
        manual_seed(0);
        method.LearnBase(features, new MethodContext(0));
        var projector = (Fscil.Projectors.MambaProjector)method.Projector;
        Tensor before = projector.BaseBranch.forward(features.Test.Maps);
        Dictionary<string, Tensor> kept = MethodState.Of(method).ToDictionary(p => p.Name, p => p.Value.detach().clone());
        method.Learn(features.Shots[0], 2, new MethodContext(0));
        method.Learn(features.Shots[1], 2, new MethodContext(0));
        int changed = 0;
        foreach (var (name, value) in MethodState.Of(method))
        {
            if (name is "memory" or "level_memory" or "projector.begun")
            {
                continue;
            }

            if (name.Contains("g_inc", StringComparison.Ordinal))
            {
                changed += value.Equals(kept[name]) ? 0 : 1;
            }
            else
            {
                TensorAssert.Same(kept[name], value, name);
            }
        }

        Assert.True(changed > 8, $"{changed} tensors of the new branch have changed");
        TensorAssert.Same(before, projector.BaseBranch.forward(features.Test.Maps));
    }

    [Fact]
    public void The_share_of_what_the_base_session_has_learned_begins_behind_it()
    {
        using FscilFeatures features = Clusters.Features(sessions: 1);
        IncrementalOptions free = Clusters.Recipe().incremental with { freeze = false };
        Dictionary<string, Tensor> small = Learned(0.2, 0), large = Learned(1, 0), smallLater = Learned(0.2, 1), largeLater = Learned(1, 1);
        Assert.All(small, p => TensorAssert.Same(p.Value, large[p.Key], p.Key));
        Assert.All(new[] { "projector.p_iden.weight", "projector.g_base.pos_embed" }, name => Assert.False(smallLater[name].Equals(largeLater[name]), name));

        Dictionary<string, Tensor> Learned(double share, int sessions)
        {
            manual_seed(0);
            using FscilMethod method = FscilMethods.Create("mamba-fscil", Clusters.Recipe() with { incremental = free with { base_share = share } }, features.Size, 8);
            method.LearnBase(features, new MethodContext(0));
            for (int t = 0; t < sessions; t++)
            {
                method.Learn(features.Shots[t], 2, new MethodContext(0));
            }

            return MethodState.Of(method).ToDictionary(p => p.Name, p => p.Value.detach().clone());
        }
    }

    [Theory]
    [InlineData("mamba-fscil")]
    [InlineData(FscilMethods.Best)]
    public void Resumed_behind_session_3_it_ends_with_the_same_bits(string name)
    {
        FscilRecipe recipe = Clusters.Recipe() with { prototypes = new PrototypeOptions { projector_weight = 0.4, shrinkage = 0.5 } };
        using FscilFeatures features = Clusters.Features();
        var host = new KeepingHost();
        FscilRun whole = Run(name, recipe, features, host);
        Assert.Equal(4, host.States.Count);
        using StateBag third = host.States[3];
        Assert.Equal(3, third.Value<int>("session"));
        FscilRun resumed = Run(name, recipe, features, new KeepingHost { Resumed = third });
        Assert.Equal(whole.scores!.sessions, resumed.scores!.sessions);
        Assert.Equal(whole.scores.matrix.SelectMany(r => r), resumed.scores.matrix.SelectMany(r => r));
        Assert.Equal(whole.scores.Confusion, resumed.scores.Confusion);
    }

    [Fact]
    public void The_same_seed_gives_the_same_numbers_and_another_one_others()
    {
        using FscilFeatures features = Clusters.Features(noise: 1.2);
        FscilRun one = Run("mamba-fscil", Clusters.Recipe(), features), again = Run("mamba-fscil", Clusters.Recipe(), features), other = Run("mamba-fscil", Clusters.Recipe(), features, seed: 5);
        Assert.Equal(one.scores!.Confusion, again.scores!.Confusion);
        Assert.NotEqual(one.scores.Confusion, other.scores!.Confusion);
    }

    [Fact]
    public void The_number_of_threads_changes_scores_by_rounding_alone()
    {
        using FscilFeatures features = Clusters.Features(sessions: 2);
        int before = get_num_threads();

        // Sums in another order differ by rounding, which a long training blows up; over these steps it stays rounding.
        FscilRecipe recipe = Clusters.Recipe();
        recipe = recipe with { projector_training = recipe.projector_training with { epochs = 20 }, incremental = recipe.incremental with { iterations = 20 } };
        try
        {
            float[] one = Scores(1), two = Scores(2);
            Assert.Equal(50 * 10, one.Length);
            Assert.True(one.Max() - one.Min() > 0.5, "the scores tell classes apart");
            Assert.All(one.Zip(two), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        }
        finally
        {
            set_num_threads(before);
        }

        float[] Scores(int threads)
        {
            set_num_threads(threads);
            manual_seed(0);
            using FscilMethod method = FscilMethods.Create("mamba-fscil", recipe, features.Size, 10);
            method.LearnBase(features, new MethodContext(0));
            method.Learn(features.Shots[0], 2, new MethodContext(0));
            method.Learn(features.Shots[1], 2, new MethodContext(0));
            using Tensor scores = method.Score(features.TestUntil(2));
            return scores.data<float>().ToArray();
        }
    }

    [Fact]
    public void Class_means_of_the_memory_are_those_of_the_maps()
    {
        using FscilFeatures features = Clusters.Features(sessions: 1);
        using FscilMethod method = FscilMethods.Create("ncm-cosine", Clusters.Recipe(), features.Size, 8);
        method.LearnBase(features, new MethodContext(0));
        method.Learn(features.Shots[0], 2, new MethodContext(0));
        Tensor memory = method.named_buffers().Single(b => b.name == "memory").buffer;
        for (int k = 0; k < 8; k++)
        {
            MapSet of = k < 6 ? features.BaseViews[0] : features.Shots[0];
            Tensor[] own = [.. Enumerable.Range(0, of.Count).Where(i => of.Classes[i] == k).Select(i => of.Maps[i])];
            TensorAssert.Close(own.Aggregate((a, b) => a + b) / own.Length, memory[k], 1e-6);
        }
    }

    [Fact]
    public void More_classes_than_there_is_room_for_and_wrong_numbers_are_refused()
    {
        using FscilFeatures features = Clusters.Features(sessions: 2);
        using FscilMethod method = FscilMethods.Create("ncm-cosine", Clusters.Recipe(), features.Size, 8);
        Assert.Throws<InvalidOperationException>(() => method.Score(features.Test));
        method.LearnBase(features, new MethodContext(0));
        Refusal.Of<ArgumentException>(() => method.Learn(features.Shots[1], 2, new MethodContext(0)), "classes 8 to 9", "6 to 7");
    }

    private static FscilRun Run(string name, FscilRecipe recipe, FscilFeatures features, ITrainingHost? host = null, int seed = 0)
    {
        manual_seed(seed);
        using FscilMethod method = FscilMethods.Create(name, recipe, features.Size, features.Protocol.ClassCount);
        return SessionRunner.Run(method, features, seed, host ?? new KeepingHost());
    }

    /// <summary>Keeps copies of all checkpoints.</summary>
    private sealed class KeepingHost : ITrainingHost
    {
        public StateBag? Resumed { get; init; }

        public List<StateBag> States { get; } = [];

        public bool CheckpointDue => false;

        public StateBag? TakeResumed() => Resumed;

        public void Report(EpochReport epoch)
        {
        }

        public void Attach(string path, byte[] content)
        {
        }

        public void Checkpoint(StateBag state)
        {
            var copy = new StateBag { Values = (System.Text.Json.Nodes.JsonObject)state.Values.DeepClone(), OwnsTensors = true };
            foreach (var (name, value) in state.Tensors)
            {
                copy.Tensors[name] = value.detach().clone().DetachFromDisposeScope();
            }

            States.Add(copy);
        }
    }
}
