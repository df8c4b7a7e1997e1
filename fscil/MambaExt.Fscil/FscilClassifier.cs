using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Data.Images;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Recipes;
using MambaExt.Kernels;
using MambaExt.Runs;
using MambaExt.Vision.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil;

/// <summary>A trained model from its folder: tells the class of images, and learns further classes from a few images of each.</summary>
public sealed class FscilClassifier : IDisposable
{
    private const string Kind = "fscil";
    private readonly Parts _parts;
    private readonly Description _about;
    private readonly List<string> _labels;
    private readonly ImagePipeline _pipeline;

    private FscilClassifier(Parts parts, Description about, IReadOnlyList<string> labels)
    {
        (_parts, _about, _labels) = (parts, about, [.. labels]);
        _pipeline = Augmentations.Test(about.recipe.training.augment, about.recipe.backbone.image_size, new ImageNormalization(about.mean, about.deviation));
    }

    /// <summary>A name a class, in the order of scores.</summary>
    public IReadOnlyList<string> Labels => _labels;

    /// <summary>Classes that the model can ever hold.</summary>
    public int MaxClasses => _parts.Method.MaxClasses;

    /// <summary>Channels of its images, 1 or 3.</summary>
    public int Channels => _about.recipe.backbone.channels;

    /// <summary>Name of the data set it was trained on.</summary>
    public string DataSet => _about.dataset;

    /// <summary>Name of its method.</summary>
    public string Method => _about.method;

    /// <summary>Loads a model folder.</summary>
    /// <param name="folder">Written by a run, <c>RUN/models/NAME</c>, or by <see cref="Save"/></param>
    /// <exception cref="DirectoryNotFoundException">It is no model folder.</exception>
    /// <exception cref="InvalidDataException">It is of another kind, or damaged.</exception>
    public static FscilClassifier Load(string folder)
    {
        (JsonObject config, IReadOnlyList<string> labels) = ModelFolder.Read(folder, Kind);
        Description about;
        try
        {
            about = config.Deserialize<Description>() ?? throw new JsonException("null");
            about.Check();
            about.recipe.Validate(Math.Max(2, about.max_classes));
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"The config.json of '{folder}' is not that of such a model ({e.Message.TrimEnd('.')}); restore the file.", e);
        }

        if (about.seen != labels.Count || about.seen > about.max_classes || about.base_classes > about.seen || about.base_classes < 1)
        {
            throw new InvalidDataException($"'{folder}' has {labels.Count} names for {about.seen} of {about.max_classes} classes; restore its files.");
        }

        var network = new BaseNetwork(about.recipe with { backbone = about.recipe.backbone with { weights = null } }, about.base_classes, about.max_classes);
        var parts = new Parts(network, FscilMethods.Create(about.method, about.recipe, network.Size, about.max_classes));
        ModelFolder.LoadInto(parts, folder);
        parts.Method.Continue(about.base_classes, about.seen, about.session);
        parts.eval();
        return new FscilClassifier(parts, about, labels);
    }

    /// <summary>Writes the model, with what it has learned since it was loaded.</summary>
    /// <param name="folder">Made, or overwritten</param>
    public void Save(string folder) => ModelFolder.Save(folder, _parts, Config(_about with { seen = _parts.Method.Seen, session = _parts.Method.Session }), _labels);

    /// <summary>Scores of all classes for each image, cosines mostly: [n] of [classes].</summary>
    /// <param name="images">Of the model's channels, of any size, as files have them</param>
    public float[][] Scores(ImageSamples images)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor scores = _parts.Method.Score(Encode(images));
        return [.. Enumerable.Range(0, images.Count).Select(i => scores[i].data<float>().ToArray())];
    }

    /// <summary>Learns new classes, as one session.</summary>
    /// <param name="images">A few of each, as files have them; label i is new class i</param>
    /// <param name="names">Of the new classes</param>
    /// <param name="seed">Of orders and mixing</param>
    /// <param name="token">Asked after each step</param>
    /// <exception cref="ArgumentException">A name is known, a class has no image, or there is no room; the model stays as it was, as behind a cancellation.</exception>
    public void Add(ImageSamples images, IReadOnlyList<string> names, int seed = 0, CancellationToken token = default)
    {
        int seen = _parts.Method.Seen;
        if (names.FirstOrDefault(name => _labels.Contains(name) || names.Count(n => n == name) > 1) is { } known)
        {
            throw new ArgumentException($"The class '{known}' is known already; give new classes names of their own.");
        }

        int missing = Enumerable.Range(0, names.Count).FirstOrDefault(k => !images.Labels.Contains(k), -1);
        if (names.Count == 0 || missing >= 0)
        {
            throw new ArgumentException($"{(names.Count == 0 ? "No class was given" : $"The class '{names[missing]}' has no image")}; give a folder of a few images for each new class.");
        }

        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> before = MethodState.Of(_parts.Method).ToDictionary(p => p.Name, p => p.Value.detach().clone());
        (int baseClasses, int session) = (_parts.Method.BaseClasses, _parts.Method.Session);
        manual_seed(((long)seed << 16) + _parts.Method.Session + 1);
        ImageFeatures features = Encode(images);
        try
        {
            _parts.Method.Learn(new MapSet(features.Maps, features.Levels, [.. images.Labels.Select(k => seen + k)]), names.Count, new MethodContext(seed, Token: token));
        }
        catch
        {
            // Cancelled, or a loss that is no number: the model is what it was.
            using IDisposable _ = no_grad();
            foreach (var (name, value) in MethodState.Of(_parts.Method))
            {
                value.copy_(before[name]);
            }

            _parts.Method.Continue(baseClasses, seen, session);
            throw;
        }

        _labels.AddRange(names);
    }

    /// <inheritdoc/>
    public void Dispose() => _parts.Dispose();

    /// <summary>The files of a model folder, by name.</summary>
    internal static IReadOnlyList<(string Name, byte[] Content)> Files(BaseNetwork network, FscilMethod method, FscilData data, FscilRecipe recipe, int seed)
    {
        ImageNormalization normalization = Augmentations.Normalization(recipe.training.normalization, data);
        var about = new Description(
            Kind, data.Name, data.Variant.ToString().ToLowerInvariant(), method.Name, seed, method.BaseClasses, method.Seen, method.Session, method.MaxClasses,
            [.. normalization.Mean], [.. normalization.Deviation], data.Inverted, recipe);
        return ModelFolder.Files(new Parts(network, method), Config(about), [.. data.ClassNames.Take(method.Seen)]);
    }

    private static JsonObject Config(Description about) => (JsonObject)JsonSerializer.SerializeToNode(about)!;

    private ImageFeatures Encode(ImageSamples images)
    {
        if (images.Channels != Channels)
        {
            throw new ArgumentException($"The images have {images.Channels} channel(s) and the model was trained on {Channels}; read them as {(Channels == 1 ? "grey" : "colour")} images.");
        }

        int side = _about.recipe.backbone.image_size;
        images = _about.inverted ? images.Resized(new ImageSize(side, side), Interpolation.Box, invert: true) : images;
        return FeatureExtractor.Encode(_parts.Network, new ImageViews(images, _pipeline), [.. Enumerable.Range(0, images.Count)], 0, default);
    }

    /// <summary>Backbone and method as one module, by whose names a folder holds them.</summary>
    private sealed class Parts : nn.Module
    {
        public Parts(BaseNetwork network, FscilMethod method)
            : base(nameof(FscilClassifier))
        {
            (Network, Method) = (network, method);
            register_module("base", network);
            register_module("method", method);
        }

        public BaseNetwork Network { get; }

        public FscilMethod Method { get; }
    }

    private sealed record Description(
        string kind, string dataset, string variant, string method, int seed, int base_classes, int seen, int session, int max_classes, float[] mean, float[] deviation, bool inverted, FscilRecipe recipe)
    {
        // Room is made for that many mean maps before anything else of the folder is read.
        private const int MostClasses = 100_000;

        /// <summary>Throws where a value is missing or no run writes it.</summary>
        public void Check()
        {
            if (dataset is null || method is null || mean is null || deviation is null || recipe is not { backbone.levels: not null, backbone.level_grids: not null, training.augment: not null, training.milestones: not null, projector: not null, projector_training: not null, incremental: { base_copies: not null, scan_losses: not null }, prototypes: { levels: not null } })
            {
                throw new JsonException("a value is missing");
            }

            if (max_classes is < 2 or > MostClasses || session < 0 || mean.Length != recipe.backbone.channels || deviation.Length != mean.Length || deviation.Any(d => !(d > 0)) || !FscilMethods.Names.Concat(FscilMethods.Ablations.Keys).Contains(method))
            {
                throw new JsonException($"method {method}, max_classes {max_classes}, session {session}, {mean.Length} means and {deviation.Length} deviations; allowed are a known method, 2 to {MostClasses} classes, 0 or more, and as many as channels");
            }
        }
    }
}
