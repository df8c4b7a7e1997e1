using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Checkpoints;
using MambaExt.Kernels;
using MambaExt.Training;
using static TorchSharp.torch;

namespace MambaExt.Runs;

/// <summary>
/// The checkpoints of a run: <c>000001.safetensors</c>, <c>000002.safetensors</c>, ... Each is written under another name, flushed to the disk and
/// renamed; the two newest are kept, so that one that cannot be read leaves the one before it.
/// </summary>
public sealed class CheckpointStore(string folder)
{
    private const string Extension = ".safetensors";
    private const int Kept = 2;

    /// <summary>The folder.</summary>
    public string Folder { get; } = folder;

    /// <summary>Writes a checkpoint; older ones than the two newest go.</summary>
    /// <exception cref="IOException">It could not be written; those before it are whole.</exception>
    public void Save(StateBag state)
    {
        int[] numbers = Numbers();
        int number = numbers.Length == 0 ? 1 : numbers[0] + 1;
        string values = state.Values.ToJsonString();
        try
        {
            Directory.CreateDirectory(Folder);
            SafetensorsTensors.Save(
                FileOf(number), state.Tensors.Select(t => (t.Key, t.Value)), new Dictionary<string, string> { ["state"] = values, ["state_sha256"] = Digest(values) });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string before = numbers.Length == 0 ? "there is no checkpoint yet" : "the checkpoint before it is whole, make room and resume";
            throw new IOException($"A checkpoint could not be written to '{Folder}' ({e.Message.TrimEnd('.')}); {before}.", e);
        }

        foreach (int old in numbers.Skip(Kept - 1))
        {
            File.Delete(FileOf(old));
        }
    }

    /// <summary>The newest checkpoint that is whole, or null where there is none. The caller disposes it.</summary>
    /// <param name="skipped">Told of each newer one that could not be read, in a sentence</param>
    public StateBag? Latest(Action<string>? skipped = null)
    {
        if (Directory.Exists(Folder))
        {
            foreach (string half in Directory.EnumerateFiles(Folder, "*" + PartialFile.Suffix))
            {
                File.Delete(half); // what a killed run was writing
            }
        }

        foreach (int number in Numbers())
        {
            try
            {
                return Read(SafetensorsFile.Read(FileOf(number)), Path.GetFileName(FileOf(number)));
            }
            catch (InvalidDataException e)
            {
                skipped?.Invoke($"The checkpoint {number} is damaged and left aside: {e.Message}");
                File.Delete(FileOf(number));
            }
        }

        return null;
    }

    /// <summary>The bytes of the newest checkpoint, for ranks that do not see the folder; empty where there is none.</summary>
    internal byte[] LatestBytes() => Numbers() is [int newest, ..] ? File.ReadAllBytes(FileOf(newest)) : [];

    /// <summary>A checkpoint from its bytes.</summary>
    internal static StateBag Parse(byte[] bytes) => Read(SafetensorsFile.Parse(bytes), "the checkpoint");

    private static StateBag Read(SafetensorsFile file, string name)
    {
        if (!file.Metadata.TryGetValue("state", out string? values) || !file.Metadata.TryGetValue("state_sha256", out string? digest) || digest != Digest(values))
        {
            throw new InvalidDataException($"'{name}' has no whole state of a training.");
        }

        try
        {
            var json = JsonNode.Parse(values, documentOptions: new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false }) as JsonObject
                ?? throw new InvalidDataException($"'{name}' has a state that is no JSON object.");
            var bag = new StateBag { Values = json, OwnsTensors = true };
            foreach (var (key, tensor) in SafetensorsTensors.Load(file))
            {
                bag.Tensors.Add(key, tensor.DetachFromDisposeScope());
            }

            return bag;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{name}' has a state that is no JSON ({e.Message.TrimEnd('.')}).", e);
        }
    }

    private static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private string FileOf(int number) => Path.Combine(Folder, number.ToString("000000", CultureInfo.InvariantCulture) + Extension);

    /// <summary>Newest first.</summary>
    private int[] Numbers() => !Directory.Exists(Folder)
        ? []
        : [.. Directory.EnumerateFiles(Folder, "*" + Extension).Select(Path.GetFileNameWithoutExtension)
            .Select(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : 0).Where(n => n > 0).OrderDescending()];
}
