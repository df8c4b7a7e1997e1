using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using MambaExt.Graph.DataSets.Own;
using MambaExt.Graph.Tokens;
using MambaExt.Kernels;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext graph tokens</c>: draws the random-walk tokens of a graph, says how large they are and how much of each neighbourhood they hold,
/// shows those of a vertex, writes all of them.</summary>
internal static class GraphTokensCommand
{
    private static readonly GraphDataOptions Data = new(GraphUse.Structure);
    private static readonly Option<int> Walks = CommonOptions.Number("--M", "M", "Walks a token.", 1, ushort.MaxValue + 1);
    private static readonly Option<int> Longest = CommonOptions.Number("--m", "m", "Steps of the longest walk; 0: the vertex is its only token.", 0, ushort.MaxValue);
    private static readonly Option<int> Repeats = CommonOptions.Number("--s", "s", "Tokens a walk length.", 1, ushort.MaxValue + 1);
    private static readonly Option<int> Seed = CommonOptions.Number("--seed", "N", "Seed of the walks, as graph train counts them.", 0, int.MaxValue);
    private static readonly Option<string?> Vertex = new("--vertex") { Description = "Show the tokens of a vertex, by its number or its name.", HelpName = "NAME" };
    private static readonly Option<string?> Out = new("--out") { Description = "CSV file: vertex, position, walk length, repeat and the vertices of each token, apart by blanks.", HelpName = "FILE" };
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Walks.DefaultValueFactory = _ => 8;
        Longest.DefaultValueFactory = _ => 3;
        Repeats.DefaultValueFactory = _ => 1;
        var command = new Command("tokens", "Draw the random-walk tokens of a graph; how large they are, and how much of each neighbourhood they hold.") { Walks, Longest, Repeats, Seed, Vertex, Out, Threads, Json };
        foreach (Option option in Data.All)
        {
            command.Add(option);
        }

        command.Validators.Add(Data.Check);
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken cancel)
    {
        Threads.Use(parsed);
        OwnVertices data = Data.LoadStructure(parsed);
        var options = new WalkTokenOptions(parsed.GetValue(Walks), parsed.GetValue(Longest), parsed.GetValue(Repeats), (ulong)parsed.GetValue(Seed));
        int? vertex = parsed.GetValue(Vertex) is { } name ? Find(data, name) : null;
        options.Validate(data.Graph.VertexCount);
        foreach (string line in data.Notes)
        {
            Console.Error.WriteLine(line);
        }

        long start = Stopwatch.GetTimestamp();
        WalkTokens tokens = WalkTokens.Sample(data.Graph, options, threads: Compute.Threads, token: cancel);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        TokenSubgraphs edges = TokenSubgraphs.Of(data.Graph, tokens, Compute.Threads, cancel);
        double all = Stopwatch.GetElapsedTime(start).TotalSeconds;
        IReadOnlyList<TokenLength> lengths = TokenSummary.Of(data.Graph, tokens, edges);
        Shown[]? shown = vertex is { } v ? [.. Enumerable.Range(0, tokens.TokensPerVertex).Select(p => Show(data, tokens, v, p))] : null;
        string? file = parsed.GetValue(Out) is { } given ? Path.GetFullPath(given) : null;
        if (file is not null)
        {
            PartialFile.Write(file, stream => Write(stream, data, tokens));
        }

        if (parsed.GetValue(Json))
        {
            JsonResult.Write(new JsonObject
            {
                ["dataset"] = data.Name, ["vertices"] = data.Graph.VertexCount, ["edges"] = data.Graph.EdgeCount, ["M"] = options.WalksPerToken, ["m"] = options.LongestWalk,
                ["s"] = options.Repeats, ["seed"] = options.Seed, ["tokens_per_vertex"] = tokens.TokensPerVertex, ["steps_per_vertex"] = options.StepsPerVertex,
                ["entries"] = tokens.Vertices.Length, ["walk_seconds"] = seconds, ["subgraph_seconds"] = all - seconds, ["lengths"] = JsonResult.Node(lengths),
                ["vertex"] = shown is null ? null : JsonResult.Node(shown), ["file"] = file,
            });
        }
        else
        {
            Print(data, tokens, lengths, shown, seconds, all - seconds);
            if (file is not null)
            {
                Console.WriteLine($"Tokens: {file}");
            }
        }

        return ExitCode.Done;
    }

    private static void Print(OwnVertices data, WalkTokens tokens, IReadOnlyList<TokenLength> lengths, Shown[]? shown, double walks, double subgraphs)
    {
        Console.WriteLine(FormattableString.Invariant(
            $"{data.Graph.VertexCount:n0} vertices, {tokens.TokensPerVertex} tokens each; {tokens.Options.StepsPerVertex:n0} steps a vertex in {walks:f2} s, subgraphs in {subgraphs:f2} s"));
        Console.WriteLine();
        Console.WriteLine($"{"steps",5}{"tokens",12}{"vertices",10}{"largest",9}{"edges",9}{"within reach",14}{"held",8}");
        foreach (TokenLength row in lengths)
        {
            Console.WriteLine(FormattableString.Invariant($"{row.length,5}{row.tokens,12:n0}{row.vertices_mean,10:f1}{row.vertices_max,9:n0}{row.edges_mean,9:f1}{row.ball_mean,14:n1}{100 * row.coverage,7:f1}%"));
        }

        foreach (Shown token in shown ?? [])
        {
            Console.WriteLine($"{token.length} steps: {string.Join(' ', token.vertices)}");
        }
    }

    private static void Write(Stream stream, OwnVertices data, WalkTokens tokens)
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true);
        writer.WriteLine("vertex,position,length,repeat,vertices");
        for (int v = 0; v < tokens.VertexCount; v++)
        {
            for (int p = 0; p < tokens.TokensPerVertex; p++)
            {
                Shown token = Show(data, tokens, v, p);
                writer.WriteLine($"{Name(data, v)},{p},{token.length},{token.repeat},{string.Join(' ', token.vertices)}");
            }
        }
    }

    private static Shown Show(OwnVertices data, WalkTokens tokens, int vertex, int position)
    {
        int length = tokens.WalkLength(position), repeats = tokens.Options.Repeats;
        return new Shown(length, length == 0 ? 0 : repeats - 1 - (position % repeats), [.. tokens.Token(vertex, position).ToArray().Select(w => Name(data, w))]);
    }

    // A name with a blank or comma in it would fall apart in the file, where names are apart by them.
    private static string Name(OwnVertices data, int vertex) =>
        data.VertexNames is null ? vertex.ToString(CultureInfo.InvariantCulture) : data.VertexNames[vertex].AsSpan().ContainsAny(",\" \r\n") ? $"\"{data.VertexNames[vertex].Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : data.VertexNames[vertex];

    private static int Find(OwnVertices data, string name)
    {
        int number = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int parsed) && parsed < data.Graph.VertexCount ? parsed : -1;
        int found = data.VertexNames is null ? number : data.VertexNames.ToList().IndexOf(name);
        return found >= 0 ? found : throw new ArgumentException(
            $"--vertex is '{name}', which {data.Name} has not; give {(data.VertexNames is null ? $"0 to {data.Graph.VertexCount - 1}" : "the name of one of its vertices")}.");
    }

    /// <param name="length">Steps of the walks</param>
    /// <param name="repeat">From 0</param>
    /// <param name="vertices">Names</param>
    private sealed record Shown(int length, int repeat, string[] vertices);
}
